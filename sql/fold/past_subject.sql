-- The subjects of whom anything was known then; all stubs until the fold finds their Patient.
CREATE TABLE subject AS
SELECT s.pid, s.token, s.bucket, TRUE AS stub
FROM {{.Main}}.main.subject AS s
WHERE s.pid IN (
{{- range $i, $t := .Types}}{{if $i}}
    UNION ALL{{end}}
    SELECT v.pid FROM {{$t.Version}} AS v{{end}})
