-- Quarantined inputs by state and reason, oldest first, without their content. Empty filters mean all.
SELECT id, log, part, off, entry, source, resource, reason, coalesce(place, '') AS place, coalesce(detail, '') AS detail, coalesce(mend, '') AS mend, known_at, state
FROM quarantine
WHERE (? = '' OR state = ?) AND (? = '' OR reason = ?) AND (? = 0 OR id = ?)
ORDER BY id LIMIT ? OFFSET ?
