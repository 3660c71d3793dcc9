-- One row per calendar month of the five years up to the as-of date. nth 0 is the month that holds it; whole says that
-- the month had ended by then.
-- needs: run
SELECT
    CAST(month_start(r.as_of) - to_months(CAST(g.nth AS INTEGER)) AS DATE) AS month,
    last_day(CAST(month_start(r.as_of) - to_months(CAST(g.nth AS INTEGER)) AS DATE)) AS month_end,
    CAST(g.nth AS INTEGER) AS nth,
    last_day(CAST(month_start(r.as_of) - to_months(CAST(g.nth AS INTEGER)) AS DATE)) <= r.as_of AS whole
FROM run AS r
CROSS JOIN range(0, 61) AS g(nth)
