DELETE FROM codes WHERE rt = '{{.Name}}' AND k IN (SELECT g.k FROM fold_gone AS g)
