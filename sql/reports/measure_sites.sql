-- Counts of run $1 by measure, group and site, with the open gaps whose patients may be contacted about that measure.
SELECT
    m.measure, m.grp, m.site, m.eligible, m.excluded, m.numerator, m.open, m.closed,
    COALESCE(t.reachable, 0)
FROM pub.measure_site AS m
LEFT JOIN (
    SELECT programme, CASE WHEN grouping(COALESCE(site, '(none)')) = 1 THEN '' ELSE COALESCE(site, '(none)') END AS site, count(DISTINCT patient_id) AS reachable
    FROM pub.target
    WHERE run_id = $1 AND not_contact IS NULL
    GROUP BY GROUPING SETS ((programme), (programme, COALESCE(site, '(none)')))
) AS t ON t.programme = m.measure AND t.site = m.site
WHERE m.run_id = $1
ORDER BY m.measure, m.grp, m.site
