-- The primary codes of the new current rows of {{.Name}}, each once per row.
INSERT INTO codes (rt, pid, k, code)
SELECT '{{.Name}}', c.pid, c.k, unnest(list_distinct(c.{{.Codes}}))
FROM {{.Current}} AS c
WHERE c.{{.Codes}} IS NOT NULL{{if not .Full}} AND c.k IN (SELECT n.k FROM fold_come AS n){{end}}
