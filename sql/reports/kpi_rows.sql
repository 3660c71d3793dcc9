-- KPI rows of run $1. Amounts as text, so that no digit is lost on the way.
SELECT kpi, span, month, COALESCE(site, ''), CAST(numerator AS VARCHAR), CAST(denominator AS VARCHAR), COALESCE(excluded, 0)
FROM pub.kpi
WHERE run_id = $1
ORDER BY kpi, span, month, site
