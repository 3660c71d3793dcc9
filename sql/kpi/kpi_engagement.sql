-- Engagement score by span and site of the patient. Numerator: the weights of what happened in the span (message
-- delivered 1, replied 5, portal login 3, survey answered 5, visit kept 10), each halved for every full 90 days between it
-- and the end of the span; denominator: patients with any of it. No row when no source sends messages or portal events,
-- or for spans that ended before the first: visits alone say nothing about outreach.
-- needs: engagements, visits, attribution, kpi_span
WITH weight AS (
    SELECT k.verb, k.points
    FROM (VALUES ('delivered', 1), ('replied', 5), ('portallogin', 3), ('surveyresponded', 5)) AS k(verb, points)
), halving AS (
    SELECT k.from_days, k.to_days, k.factor
    FROM (VALUES
        (0, 89, CAST(1 AS DECIMAL(10,6))), (90, 179, CAST(0.5 AS DECIMAL(10,6))), (180, 269, CAST(0.25 AS DECIMAL(10,6))),
        (270, 359, CAST(0.125 AS DECIMAL(10,6))), (360, 449, CAST(0.0625 AS DECIMAL(10,6)))
    ) AS k(from_days, to_days, factor)
), message AS (
    SELECT e.patient_id, e.at_on, w.points
    FROM engagements AS e
    JOIN weight AS w ON w.verb = e.verb
), event AS (
    SELECT m.patient_id, m.at_on, m.points
    FROM message AS m
    UNION ALL
    SELECT v.patient_id, v.visit_on, 10
    FROM visits AS v
), scored AS (
    SELECT s.span, s.month, s.site_on, e.patient_id, e.points * h.factor AS score
    FROM event AS e
    JOIN kpi_span AS s ON e.at_on >= s.from_on AND e.at_on <= s.to_on
    JOIN halving AS h ON days_between(e.at_on, s.to_on) >= h.from_days AND days_between(e.at_on, s.to_on) <= h.to_days
    WHERE s.to_on >= (SELECT min(m.at_on) FROM message AS m)
), placed AS (
    SELECT c.span, c.month, '' AS site, c.patient_id, c.score
    FROM scored AS c
    UNION ALL
    SELECT c.span, c.month, a.site, c.patient_id, c.score
    FROM scored AS c
    JOIN attribution AS a ON a.patient_id = c.patient_id AND a.point_on = c.site_on
    WHERE a.site IS NOT NULL
)
SELECT 'engagement' AS kpi, p.span, p.month, p.site,
    CAST(sum(p.score) AS DECIMAL(20,4)) AS numerator,
    CAST(count(DISTINCT p.patient_id) AS DECIMAL(20,4)) AS denominator,
    CAST(0 AS BIGINT) AS excluded
FROM placed AS p
GROUP BY p.span, p.month, p.site
