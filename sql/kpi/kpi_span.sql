-- One row per span for which KPIs are counted, both ends included: the 24 newest calendar months that had ended by the
-- as-of date, the twelve months ending on it, and the twelve before those. month is the column of that name in kpi;
-- site_on is the day whose attribution gives a patient's site.
-- needs: run, months, points
SELECT 'month' AS span, m.month, m.month AS from_on, m.month_end AS to_on, m.month_end AS site_on, days_between(m.month, m.month_end) + 1 AS days
FROM months AS m
JOIN points AS q ON q.point_on = m.month_end
WHERE m.whole AND m.nth < 25
UNION ALL
SELECT 'rolling12', r.as_of, plus_days(plus_months(r.as_of, -12), 1), r.as_of, r.as_of, days_between(plus_months(r.as_of, -12), r.as_of)
FROM run AS r
UNION ALL
SELECT 'prior12', plus_months(r.as_of, -12), plus_days(plus_months(r.as_of, -24), 1), plus_months(r.as_of, -12), plus_months(r.as_of, -12),
    days_between(plus_months(r.as_of, -24), plus_months(r.as_of, -12))
FROM run AS r
