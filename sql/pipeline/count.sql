SELECT count(*) AS n FROM pub.{{.Table}} WHERE run_id = $1
