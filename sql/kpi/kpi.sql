-- One row per KPI, span, month and site that the events can give. What they cannot give has no row, which reports show as
-- "no data" with the reason of the registry, never as nought.
-- needs: kpi_no_show, kpi_retention, kpi_staff_hours, kpi_satisfaction, kpi_revenue, kpi_gap_closure, kpi_preventive, kpi_net_collection, kpi_days_in_ar, kpi_engagement
-- publishes: kpi
WITH every AS (
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_no_show AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_retention AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_staff_hours AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_satisfaction AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_revenue AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_gap_closure AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_preventive AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_net_collection AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_days_in_ar AS k
    UNION ALL
    SELECT k.kpi, k.span, k.month, k.site, k.numerator, k.denominator, k.excluded FROM kpi_engagement AS k
)
SELECT
    CAST(e.kpi AS VARCHAR) AS kpi,
    CAST(e.span AS VARCHAR) AS span,
    CAST(e.month AS DATE) AS month,
    CAST(e.site AS VARCHAR) AS site,
    CAST(e.numerator AS DECIMAL(20,4)) AS numerator,
    CAST(e.denominator AS DECIMAL(20,4)) AS denominator,
    CAST(e.excluded AS BIGINT) AS excluded
FROM every AS e
