SELECT count(*) AS n FROM {{.}}
