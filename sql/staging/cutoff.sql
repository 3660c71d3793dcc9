-- One row: the two moments at which the as-of date ends. date_end is for what the source dated without a clock time,
-- instant_end, in UTC, for instants: midnight in the site's zone. What lies before them happened by the as-of date.
-- needs: run
SELECT CAST(plus_days(r.as_of, 1) AS TIMESTAMP) AS date_end,
    timezone('UTC', timezone(r.zone, CAST(plus_days(r.as_of, 1) AS TIMESTAMP))) AS instant_end
FROM run AS r
