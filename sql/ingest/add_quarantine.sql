-- Inputs set aside by a batch, with their sealed bytes.
INSERT INTO quarantine (id, log, part, off, entry, source, resource, reason, place, detail, mend, ek, bh, known_at, sealed, key_id, state)
SELECT id, log, part, off, entry, source, resource, reason, place, detail, mend, ek, bh, known_at, sealed, key_id, 'open' FROM new_quarantine
