-- One row per day for which the patient spine is worked out: the last days of the 24 newest months that had ended by the
-- as-of date, the as-of date itself, and the day twelve months before it.
-- needs: run, months
SELECT DISTINCT p.point_on, month_start(p.point_on) AS month, p.point_on = last_day(p.point_on) AS month_end
FROM (
    SELECT m.month_end AS point_on
    FROM months AS m
    WHERE m.whole
    ORDER BY m.month_end DESC NULLS LAST
    LIMIT 24
) AS p
UNION
SELECT r.as_of, month_start(r.as_of), r.as_of = last_day(r.as_of)
FROM run AS r
UNION
SELECT plus_months(r.as_of, -12), month_start(plus_months(r.as_of, -12)), plus_months(r.as_of, -12) = last_day(plus_months(r.as_of, -12))
FROM run AS r
