-- The winning versions of {{.Name}} that are not retracted and not yet current.
CREATE OR REPLACE TEMP TABLE fold_come_{{.Current}} AS
SELECT w.k
FROM fold_winner AS w
WHERE NOT w.retracted{{if not .Full}} AND NOT EXISTS (SELECT 1 FROM {{.Current}} AS c WHERE c.k = w.k){{end}}
