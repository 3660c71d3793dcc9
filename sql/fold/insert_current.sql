-- New current rows of {{.Name}}: pid is the person's survivor, pid0 the patient as received.
INSERT INTO {{.Current}} (pid, pid0, k, ent, source, version, known_at{{range .Columns}}, {{.}}{{end}})
SELECT coalesce(p.survivor, v.pid), v.pid, v.k, v.ent, v.source, v.version, v.known_at{{range .Columns}}, v.{{.}}{{end}}
FROM {{.Version}} AS v
LEFT JOIN person AS p ON p.pid = v.pid
WHERE v.k IN (SELECT n.k FROM fold_come_{{.Current}} AS n)
