-- One row per part of a panel (such as the systolic pressure of a blood pressure reading) and value set that knows the
-- part's code: row key of the panel and place of the part in it. Only staging reads it.
-- needs: run, valueset
WITH part AS (
    SELECT f.k, generate_subscripts(f.component, 1) AS place, unnest(f.component) AS c
    FROM cur_observation AS f
    WHERE f.component IS NOT NULL
), code AS (
    SELECT p.k, p.place, unnest(p.c.code) AS code
    FROM part AS p
)
SELECT DISTINCT c.k, c.place, v.valueset
FROM code AS c
JOIN valueset AS v ON v.code = c.code
