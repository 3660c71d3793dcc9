-- Preventive care use by span and site of the patient, on the last day of the span. Denominator: patient-measures of the
-- preventive rules in whose denominator the patient was; numerator: those covered by a service in the rule's look-back.
-- Excluded patient-measures count in excluded only.
-- needs: gap_history, measure, attribution, kpi_span
WITH stood AS (
    SELECT s.span, s.month, s.site_on, h.patient_id, h.state
    FROM gap_history AS h
    JOIN measure AS m ON m.measure = h.measure
    JOIN kpi_span AS s ON h.from_on <= s.to_on AND (h.to_on IS NULL OR h.to_on > s.to_on)
    WHERE m.purpose = 'preventive'
), placed AS (
    SELECT o.span, o.month, '' AS site, o.state
    FROM stood AS o
    UNION ALL
    SELECT o.span, o.month, a.site, o.state
    FROM stood AS o
    JOIN attribution AS a ON a.patient_id = o.patient_id AND a.point_on = o.site_on
    WHERE a.site IS NOT NULL
)
SELECT 'preventive_use' AS kpi, p.span, p.month, p.site,
    CAST(count(*) FILTER (WHERE p.state = 'covered') AS DECIMAL(20,4)) AS numerator,
    CAST(count(*) FILTER (WHERE p.state <> 'excluded') AS DECIMAL(20,4)) AS denominator,
    CAST(count(*) FILTER (WHERE p.state = 'excluded') AS BIGINT) AS excluded
FROM placed AS p
GROUP BY p.span, p.month, p.site
