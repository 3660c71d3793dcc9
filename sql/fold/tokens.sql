-- The tokens of the patients in $1, a list joined by comma.
SELECT replace(CAST(s.token AS VARCHAR), '-', '') AS token
FROM subject AS s
WHERE s.pid IN (SELECT CAST(unnest(string_split($1, ',')) AS BIGINT))
ORDER BY s.pid
