-- Patient retention by span and site. Denominator: patients with a qualifying visit (at the site) in the twelve months
-- before the span; numerator: those of them with a qualifying visit, at any site, in it. Who died by the end of the span
-- counts in excluded only.
-- needs: run, visits, patients, kpi_span
WITH seen AS (
    SELECT DISTINCT v.patient_id, v.visit_on, v.site
    FROM visits AS v
    CROSS JOIN run AS r
    WHERE v.visit_on > plus_months(r.as_of, -40)
), before AS (
    SELECT DISTINCT s.span, s.month, s.to_on, v.patient_id, '' AS site
    FROM seen AS v
    JOIN kpi_span AS s ON v.visit_on < s.from_on AND v.visit_on >= plus_months(s.from_on, -12)
    UNION ALL
    SELECT DISTINCT s.span, s.month, s.to_on, v.patient_id, v.site
    FROM seen AS v
    JOIN kpi_span AS s ON v.visit_on < s.from_on AND v.visit_on >= plus_months(s.from_on, -12)
    WHERE v.site IS NOT NULL
), kept AS (
    SELECT DISTINCT s.span, s.month, v.patient_id
    FROM seen AS v
    JOIN kpi_span AS s ON v.visit_on >= s.from_on AND v.visit_on <= s.to_on
), judged AS (
    SELECT b.span, b.month, b.site, coalesce(p.dead_from <= b.to_on, FALSE) AS dead, k.patient_id IS NOT NULL AS kept
    FROM before AS b
    JOIN patients AS p ON p.patient_id = b.patient_id
    LEFT JOIN kept AS k ON k.span = b.span AND k.month = b.month AND k.patient_id = b.patient_id
)
SELECT 'retention' AS kpi, j.span, j.month, j.site,
    CAST(count(*) FILTER (WHERE j.kept AND NOT j.dead) AS DECIMAL(20,4)) AS numerator,
    CAST(count(*) FILTER (WHERE NOT j.dead) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE j.dead) AS BIGINT) AS excluded
FROM judged AS j
GROUP BY j.span, j.month, j.site
