-- The winning version of each {{if .Full}}entity{{else}}touched entity{{end}} of {{.Name}}: the greatest (version, known_at, position). An entity belongs
-- to one source, so versions are never compared between sources.
CREATE OR REPLACE TEMP TABLE fold_winner AS
SELECT v.k, v.ent, v.retracted
FROM {{.Version}} AS v
{{if not .Full}}WHERE v.ent IN (SELECT t.ent FROM fold_touched AS t)
{{end}}QUALIFY row_number() OVER (
    PARTITION BY v.ent
    ORDER BY v.version DESC, v.known_at DESC, v.log DESC, v.part DESC, v.off DESC, v.entry DESC, v.k DESC) = 1
