-- One row per entity of {{.Name}} with a version after the watermark.
CREATE OR REPLACE TEMP TABLE fold_touched AS
SELECT DISTINCT ent FROM {{.Version}} WHERE k > $1
