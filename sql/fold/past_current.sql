CREATE TABLE {{.Current}} AS SELECT * FROM {{.Main}}.main.{{.Current}} WITH NO DATA
