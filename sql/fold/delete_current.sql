DELETE FROM {{.Current}} WHERE k IN (SELECT g.k FROM fold_gone AS g)
