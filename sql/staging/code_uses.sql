-- One row per resource type and code of the current facts: how often it is used and the system it belongs to.
-- needs: run
SELECT c.rt AS resource, CASE WHEN instr(c.code, '|') > 1 THEN substr(c.code, 1, instr(c.code, '|') - 1) ELSE '(none)' END AS system,
    c.code, CAST(count(*) AS BIGINT) AS uses
FROM codes AS c
GROUP BY c.rt, c.code
