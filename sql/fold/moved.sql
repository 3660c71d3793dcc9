-- One row per patient whose survivor changed: pid0 the patient, pid the survivor from now on (itself when unmerged). $1
-- and $2 list them in step, joined by comma.
CREATE OR REPLACE TEMP TABLE fold_moved AS
SELECT CAST(unnest(string_split($1, ',')) AS BIGINT) AS pid0, CAST(unnest(string_split($2, ',')) AS BIGINT) AS pid
