-- The rows that relations made become rows of run $1. All relations of a table in one statement: engine 1.5.5 loses the rows
-- of an insert of 122,880 or more when an earlier insert of the same transaction into the same table found nothing.
INSERT INTO pub.{{.Table}} (run_id{{range .Columns}}, {{.}}{{end}})
{{- range $i, $relation := .Relations}}
{{if $i}}UNION ALL {{end}}SELECT $1{{range $.Columns}}, r.{{.}}{{end}}
FROM {{$.Scratch}}.main.{{$relation}} AS r
{{- end}}
