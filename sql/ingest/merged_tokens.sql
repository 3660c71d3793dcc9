-- Every token of the person that a token belongs to: merged records count as one person.
SELECT replace(CAST(o.token AS VARCHAR), '-', '') AS token
FROM subject AS s
LEFT JOIN person AS p ON p.pid = s.pid
JOIN subject AS o ON o.pid = coalesce(p.survivor, s.pid) OR o.pid IN (SELECT q.pid FROM person AS q WHERE q.survivor = coalesce(p.survivor, s.pid))
WHERE s.token = CAST(? AS UUID)
ORDER BY token
