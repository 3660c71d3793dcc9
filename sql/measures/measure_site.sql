-- One row per measure and site ('' all, '(none)' patients attributed to no site): how many are eligible, excluded, meet
-- the numerator, and have the gap open or closed by care. Where lower is better the numerator counts the open gaps.
-- needs: gap, measure
-- publishes: measure_site
WITH counted AS (
    SELECT g.measure, g.grp, '' AS site, g.status, g.closed_by
    FROM gap AS g
    UNION ALL
    SELECT g.measure, g.grp, coalesce(g.site, '(none)'), g.status, g.closed_by
    FROM gap AS g
)
SELECT
    CAST(c.measure AS VARCHAR) AS measure,
    CAST(c.grp AS VARCHAR) AS grp,
    CAST(c.site AS VARCHAR) AS site,
    CAST(count(*) AS BIGINT) AS eligible,
    CAST(count(*) FILTER (WHERE c.closed_by IN ('exclusion', 'exception')) AS BIGINT) AS excluded,
    CAST(CASE WHEN m.direction = 'lower' THEN count(*) FILTER (WHERE c.status = 'open') ELSE count(*) FILTER (WHERE c.closed_by = 'care') END AS BIGINT) AS numerator,
    CAST(count(*) FILTER (WHERE c.status = 'open') AS BIGINT) AS open,
    CAST(count(*) FILTER (WHERE c.closed_by = 'care') AS BIGINT) AS closed
FROM counted AS c
JOIN measure AS m ON m.measure = c.measure
GROUP BY c.measure, c.grp, c.site, m.direction
