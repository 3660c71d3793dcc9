UPDATE codes SET pid = x.pid
FROM (SELECT c.k, m.pid FROM {{.Current}} AS c JOIN fold_moved AS m ON m.pid0 = c.pid0) AS x
WHERE codes.rt = '{{.Name}}' AND codes.k = x.k
