-- One row per fact type: how many versions arrived after the watermark, and the newest row key from the watermark on (NULL:
-- none). Row keys grow in the order in which ingest commits, so that everything above the watermark is new and nothing
-- below it is.
{{- range $i, $t := .Types}}
{{if $i}}UNION ALL {{end}}SELECT '{{$t.Name}}' AS rt, count(*) FILTER (WHERE k > $1) AS n, max(k) AS k FROM {{$t.Version}} WHERE k >= $1
{{- end}}
