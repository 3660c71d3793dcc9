-- Kaplan-Meier of staying in care, one row per month since the first qualifying visit, up to five years: patients followed
-- at least so long, lost in that month (eighteen months without a visit), and censored in it, which are those who died or
-- whose follow-up ends on the as-of date. Reports turn the counts into the curve: the product of 1 - lost / at risk.
-- needs: run, first_visit, months
-- publishes: retention_curve
WITH followed AS (
    SELECT f.lost_on IS NOT NULL AS lost,
        months_full(f.first_on, later_day(f.first_on, coalesce(f.lost_on, earlier_day(r.as_of, f.dead_from)))) AS months
    FROM first_visit AS f
    CROSS JOIN run AS r
), counted AS (
    SELECT f.months, count(*) AS patients, count(*) FILTER (WHERE f.lost) AS lost
    FROM followed AS f
    GROUP BY f.months
)
SELECT
    CAST(m.nth AS INTEGER) AS months,
    CAST(coalesce(sum(c.patients), 0) AS BIGINT) AS at_risk,
    CAST(coalesce(sum(c.lost) FILTER (WHERE c.months = m.nth), 0) AS BIGINT) AS lost,
    CAST(coalesce(sum(c.patients - c.lost) FILTER (WHERE c.months = m.nth), 0) AS BIGINT) AS censored
FROM months AS m
JOIN counted AS c ON c.months >= m.nth
GROUP BY m.nth
