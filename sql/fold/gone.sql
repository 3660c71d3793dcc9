-- The current rows of touched entities of {{.Name}} that win no longer or are retracted.
CREATE OR REPLACE TEMP TABLE fold_gone AS
SELECT c.k
FROM {{.Current}} AS c
WHERE c.ent IN (SELECT t.ent FROM fold_touched AS t)
  AND NOT EXISTS (SELECT 1 FROM fold_winner AS w WHERE w.k = c.k AND NOT w.retracted)
