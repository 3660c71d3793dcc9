-- The sealed content of one quarantined input with the key of its event, which it is bound to.
SELECT ek, sealed FROM quarantine WHERE id = ?
