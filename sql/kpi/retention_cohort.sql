-- One row per month of the first qualifying visit (of the five years up to the as-of date) and whole months since: how
-- many of the cohort were alive at the end of that month, and how many of those had a visit in it or later.
-- needs: first_visit, months
-- publishes: retention_cohort
WITH member AS (
    SELECT month_start(f.first_on) AS cohort, month_start(f.last_on) AS last_month, month_start(f.dead_from) AS dead_month, count(*) AS patients
    FROM first_visit AS f
    GROUP BY month_start(f.first_on), month_start(f.last_on), month_start(f.dead_from)
)
SELECT
    CAST(c.cohort AS DATE) AS cohort,
    CAST(b.nth - m.nth AS INTEGER) AS months,
    CAST(coalesce(sum(c.patients) FILTER (WHERE c.dead_month IS NULL OR c.dead_month > m.month), 0) AS BIGINT) AS patients,
    CAST(coalesce(sum(c.patients) FILTER (WHERE (c.dead_month IS NULL OR c.dead_month > m.month) AND c.last_month >= m.month), 0) AS BIGINT) AS retained
FROM member AS c
JOIN months AS b ON b.month = c.cohort
JOIN months AS m ON m.month >= c.cohort AND m.whole
GROUP BY c.cohort, b.nth, m.nth
