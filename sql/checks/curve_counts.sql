-- Months of the retention curve in which more people leave than were at risk, or whose successor does not follow from it.
-- needs: retention_curve
-- severity: error
SELECT a.months, a.at_risk, a.lost, a.censored, b.at_risk AS at_risk_next
FROM retention_curve AS a
LEFT JOIN retention_curve AS b ON b.months = a.months + 1
WHERE a.lost + a.censored > a.at_risk OR b.at_risk <> a.at_risk - a.lost - a.censored
