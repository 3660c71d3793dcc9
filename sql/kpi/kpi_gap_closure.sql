-- Care gap closure by span and site of the patient. Denominator: gaps of all measures that were open when the span began;
-- numerator: those of them that care closed in the span, with evidence of that day. Gaps of patients whom the measure
-- excluded by the end of the span count in excluded only.
-- needs: gap_history, attribution, kpi_span
WITH barred AS (
    SELECT DISTINCT s.span, s.month, x.measure, x.patient_id
    FROM gap_history AS x
    JOIN kpi_span AS s ON x.from_on <= s.to_on AND (x.to_on IS NULL OR x.to_on > s.from_on)
    WHERE x.state = 'excluded'
), open_then AS (
    SELECT s.span, s.month, s.site_on, h.patient_id, coalesce(h.next_state = 'covered' AND h.to_on <= s.to_on, FALSE) AS closed, b.patient_id IS NOT NULL AS excluded
    FROM gap_history AS h
    JOIN kpi_span AS s ON h.from_on <= s.from_on AND (h.to_on IS NULL OR h.to_on >= s.from_on)
    LEFT JOIN barred AS b ON b.span = s.span AND b.month = s.month AND b.measure = h.measure AND b.patient_id = h.patient_id
    WHERE h.state = 'open'
), placed AS (
    SELECT o.span, o.month, '' AS site, o.closed, o.excluded
    FROM open_then AS o
    UNION ALL
    SELECT o.span, o.month, a.site, o.closed, o.excluded
    FROM open_then AS o
    JOIN attribution AS a ON a.patient_id = o.patient_id AND a.point_on = o.site_on
    WHERE a.site IS NOT NULL
)
SELECT 'gap_closure' AS kpi, p.span, p.month, p.site,
    CAST(count(*) FILTER (WHERE p.closed AND NOT p.excluded) AS DECIMAL(20,4)) AS numerator,
    CAST(count(*) FILTER (WHERE NOT p.excluded) AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE p.excluded) AS BIGINT) AS excluded
FROM placed AS p
GROUP BY p.span, p.month, p.site
