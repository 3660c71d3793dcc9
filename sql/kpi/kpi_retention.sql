-- Patient retention by span and site. Denominator: patients with a qualifying visit in the twelve months before the span;
-- numerator: those of them with a qualifying visit in it. By site both visits are at that site: whom another site keeps,
-- this one has lost. Who died by the end of the span counts in excluded only.
-- Each patient is counted once a span, by the last visit before it; the next visit then tells whether they came back.
-- needs: run, visits, patients, kpi_span
WITH seen AS (
    SELECT v.patient_id, '' AS site, v.visit_on
    FROM visits AS v
    GROUP BY v.patient_id, v.visit_on
    UNION ALL
    SELECT v.patient_id, v.site, v.visit_on
    FROM visits AS v
    WHERE v.site IS NOT NULL
    GROUP BY v.patient_id, v.site, v.visit_on
), followed AS (
    SELECT s.patient_id, s.site, s.visit_on, lead(s.visit_on) OVER (PARTITION BY s.patient_id, s.site ORDER BY s.visit_on ASC NULLS LAST) AS next_on
    FROM seen AS s
), living AS (
    SELECT f.site, f.visit_on, f.next_on, p.dead_from
    FROM followed AS f
    JOIN patients AS p ON p.patient_id = f.patient_id
    CROSS JOIN run AS r
    WHERE f.next_on IS NULL OR f.next_on > plus_months(r.as_of, -40)
)
SELECT 'retention' AS kpi, s.span, s.month, v.site,
    CAST(count(*) FILTER (WHERE v.next_on <= s.to_on AND NOT coalesce(v.dead_from <= s.to_on, FALSE)) AS DECIMAL(20,4)) AS numerator,
    CAST(count(*) FILTER (WHERE NOT coalesce(v.dead_from <= s.to_on, FALSE)) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE v.dead_from <= s.to_on) AS BIGINT) AS excluded
FROM living AS v
JOIN kpi_span AS s ON v.visit_on < s.from_on AND v.visit_on >= plus_months(s.from_on, -12) AND (v.next_on IS NULL OR v.next_on >= s.from_on)
GROUP BY s.span, s.month, v.site
