-- One row per value set: how many resources of the whole population, of any date, hold one of its codes. Nought means that
-- no source ever sent one, which is another thing than patients without one.
-- needs: run, coded, valueset
WITH part AS (
    SELECT DISTINCT f.k, unnest(list_distinct(flatten(list_transform(f.component, lambda c: coalesce(c.code, []))))) AS code
    FROM cur_observation AS f
    WHERE len(f.component) > 0
), held AS (
    SELECT c.valueset, c.k
    FROM coded AS c
    UNION
    SELECT v.valueset, p.k
    FROM part AS p
    JOIN valueset AS v ON v.code = p.code
)
SELECT h.valueset, CAST(count(*) AS BIGINT) AS resources
FROM held AS h
GROUP BY h.valueset
