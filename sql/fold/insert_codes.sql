-- The primary codes of the new current rows, each once per row. All types in one statement: engine 1.5.5 loses the rows of
-- an insert of 122,880 or more when an earlier insert of the same transaction into the same table found nothing.
INSERT INTO codes (rt, pid, k, code)
{{- range $i, $t := .}}
{{if $i}}UNION ALL {{end}}SELECT '{{$t.Name}}', c.pid, c.k, unnest(list_distinct(c.{{$t.Codes}}))
FROM {{$t.Current}} AS c
WHERE c.{{$t.Codes}} IS NOT NULL{{if not $t.Full}} AND c.k IN (SELECT n.k FROM fold_come_{{$t.Current}} AS n){{end}}
{{- end}}
