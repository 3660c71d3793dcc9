-- Code systems of run $1 with codes that no loaded value set knows, most used first.
SELECT resource, system, codes, unknown_codes, uses, unknown_uses
FROM pub.code_coverage
WHERE run_id = $1
ORDER BY unknown_uses DESC, resource, system
