-- KPI values that cannot be: no numerator, no denominator, a rate below nought or above one, or the same value twice.
-- needs: kpi
-- severity: error
SELECT k.kpi, k.span, k.month, k.site, min(k.numerator) AS numerator, min(k.denominator) AS denominator, count(*) AS rows_found
FROM kpi AS k
GROUP BY k.kpi, k.span, k.month, k.site
HAVING count(*) > 1 OR count(k.numerator) < count(*) OR count(k.denominator) < count(*) OR min(k.excluded) < 0
    OR (k.kpi IN ('no_show_rate', 'retention', 'gap_closure', 'preventive_use') AND (min(k.numerator) < 0 OR min(k.denominator) < 0 OR max(k.numerator - k.denominator) > 0))
