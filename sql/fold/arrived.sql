-- One row per fact type with versions after the watermark: how many, and their newest row key. Row keys grow in the
-- order in which ingest commits, so that everything above the watermark is new and nothing below it is.
{{- range $i, $t := .Types}}
{{if $i}}UNION ALL {{end}}SELECT '{{$t.Name}}' AS rt, count(*) AS n, max(k) AS k FROM {{$t.Version}} WHERE k > $1
{{- end}}
