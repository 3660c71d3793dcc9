-- The rows that relation {{.Relation}} made become rows of run $1.
INSERT INTO pub.{{.Table}} (run_id{{range .Columns}}, {{.}}{{end}})
SELECT $1{{range .Columns}}, r.{{.}}{{end}}
FROM {{.Scratch}}.main.{{.Relation}} AS r
