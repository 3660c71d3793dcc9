-- One row per value set: how many resources of the whole population, of any date, hold one of its codes. Nought means that
-- no source ever sent one, which is another thing than patients without one.
-- needs: run, coded, parts
WITH held AS (
    SELECT c.valueset, c.k
    FROM coded AS c
    UNION
    SELECT p.valueset, p.k
    FROM parts AS p
)
SELECT h.valueset, CAST(count(*) AS BIGINT) AS resources
FROM held AS h
GROUP BY h.valueset
