-- Staff hours on outreach by span and site of the patient. Numerator: minutes of staff time on work items, in hours;
-- denominator 1. No row for spans that ended before the first work item with minutes: nobody knows what they took.
-- needs: engagements, attribution, kpi_span
WITH work AS (
    SELECT e.patient_id, e.at_on, e.minutes
    FROM engagements AS e
    WHERE e.minutes IS NOT NULL AND NOT e.automated
), spent AS (
    SELECT s.span, s.month, '' AS site, w.minutes
    FROM work AS w
    JOIN kpi_span AS s ON w.at_on >= s.from_on AND w.at_on <= s.to_on
    UNION ALL
    SELECT s.span, s.month, a.site, w.minutes
    FROM work AS w
    JOIN kpi_span AS s ON w.at_on >= s.from_on AND w.at_on <= s.to_on
    JOIN attribution AS a ON a.patient_id = w.patient_id AND a.point_on = s.site_on
    WHERE a.site IS NOT NULL
    UNION ALL
    SELECT s.span, s.month, '', CAST(0 AS DECIMAL(18,4))
    FROM kpi_span AS s
    WHERE s.to_on >= (SELECT min(w.at_on) FROM work AS w)
)
SELECT 'staff_hours' AS kpi, p.span, p.month, p.site,
    CAST(share(sum(p.minutes), 60) AS DECIMAL(20,4)) AS numerator,
    CAST(1 AS DECIMAL(20,4)) AS denominator,
    CAST(0 AS BIGINT) AS excluded
FROM spent AS p
GROUP BY p.span, p.month, p.site
