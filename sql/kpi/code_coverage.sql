-- One row per resource type and code system of the facts: codes and uses, and how many of them are in no value set that is
-- loaded. A system that is all unknown means rules that cannot see this source: its value sets are to be loaded.
-- needs: code_uses, known_code
-- publishes: code_coverage
SELECT
    CAST(c.resource AS VARCHAR) AS resource,
    CAST(c.system AS VARCHAR) AS system,
    CAST(count(*) AS BIGINT) AS codes,
    CAST(count(*) FILTER (WHERE k.code IS NULL) AS BIGINT) AS unknown_codes,
    CAST(sum(c.uses) AS BIGINT) AS uses,
    CAST(coalesce(sum(c.uses) FILTER (WHERE k.code IS NULL), 0) AS BIGINT) AS unknown_uses
FROM code_uses AS c
LEFT JOIN (SELECT DISTINCT x.code FROM known_code AS x) AS k ON k.code = c.code
GROUP BY c.resource, c.system
