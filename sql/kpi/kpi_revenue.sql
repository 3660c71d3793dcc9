-- Revenue per patient by span and site of the visit. Numerator: amounts paid on claims with service in the span;
-- denominator: distinct patients with a qualifying visit in it. excluded counts claims of the span of which nobody said
-- what was paid. No row for spans that ended before the first paid claim, nor for sites without one: not known is not 0.
-- needs: claims, visits, kpi_span
WITH money AS (
    SELECT s.span, s.month, '' AS site, c.paid
    FROM claims AS c
    JOIN kpi_span AS s ON c.service_on >= s.from_on AND c.service_on <= s.to_on
    UNION ALL
    SELECT s.span, s.month, c.site, c.paid
    FROM claims AS c
    JOIN kpi_span AS s ON c.service_on >= s.from_on AND c.service_on <= s.to_on
    WHERE c.site IS NOT NULL
), paid AS (
    SELECT m.span, m.month, m.site, sum(m.paid) AS paid, count(*) FILTER (WHERE m.paid IS NULL) AS unpaid
    FROM money AS m
    GROUP BY m.span, m.month, m.site
), person AS (
    SELECT s.span, s.month, '' AS site, v.patient_id
    FROM visits AS v
    JOIN kpi_span AS s ON v.visit_on >= s.from_on AND v.visit_on <= s.to_on
    UNION ALL
    SELECT s.span, s.month, v.site, v.patient_id
    FROM visits AS v
    JOIN kpi_span AS s ON v.visit_on >= s.from_on AND v.visit_on <= s.to_on
    WHERE v.site IS NOT NULL
), seen AS (
    SELECT p.span, p.month, p.site, count(DISTINCT p.patient_id) AS patients
    FROM person AS p
    GROUP BY p.span, p.month, p.site
), first_paid AS (
    SELECT '' AS site, min(c.service_on) AS first_on
    FROM claims AS c
    WHERE c.paid IS NOT NULL
    UNION ALL
    SELECT c.site, min(c.service_on)
    FROM claims AS c
    WHERE c.paid IS NOT NULL AND c.site IS NOT NULL
    GROUP BY c.site
)
SELECT 'revenue_per_patient' AS kpi, s.span, s.month, f.site,
    CAST(coalesce(m.paid, 0) AS DECIMAL(20,4)) AS numerator,
    CAST(coalesce(v.patients, 0) AS DECIMAL(20,4)) AS denominator,
    CAST(coalesce(m.unpaid, 0) AS BIGINT) AS excluded
FROM kpi_span AS s
JOIN first_paid AS f ON f.first_on <= s.to_on
LEFT JOIN paid AS m ON m.span = s.span AND m.month = s.month AND m.site = f.site
LEFT JOIN seen AS v ON v.span = s.span AND v.month = s.month AND v.site = f.site
WHERE m.site IS NOT NULL OR v.site IS NOT NULL
