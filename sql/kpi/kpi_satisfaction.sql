-- Net promoter score by span and site of the patient. Numerator: answers 9 and 10 less answers 0 to 6, times 100;
-- denominator: answers from 0 to 10. excluded counts survey answers without such a number. No row without answers.
-- needs: engagements, attribution, kpi_span
WITH answer AS (
    SELECT e.patient_id, e.at_on, e.score
    FROM engagements AS e
    WHERE e.verb = 'surveyresponded'
), given AS (
    SELECT s.span, s.month, '' AS site, w.score
    FROM answer AS w
    JOIN kpi_span AS s ON w.at_on >= s.from_on AND w.at_on <= s.to_on
    UNION ALL
    SELECT s.span, s.month, a.site, w.score
    FROM answer AS w
    JOIN kpi_span AS s ON w.at_on >= s.from_on AND w.at_on <= s.to_on
    JOIN attribution AS a ON a.patient_id = w.patient_id AND a.point_on = s.site_on
    WHERE a.site IS NOT NULL
)
SELECT 'satisfaction' AS kpi, g.span, g.month, g.site,
    CAST((count(*) FILTER (WHERE g.score >= 9) - count(*) FILTER (WHERE g.score <= 6)) * 100 AS DECIMAL(20,4)) AS numerator,
    CAST(count(g.score) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE g.score IS NULL) AS BIGINT) AS excluded
FROM given AS g
GROUP BY g.span, g.month, g.site
HAVING count(g.score) > 0
