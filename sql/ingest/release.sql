-- A quarantined input was taken after all.
UPDATE quarantine SET state = 'released' WHERE id = ? AND state = 'open'
