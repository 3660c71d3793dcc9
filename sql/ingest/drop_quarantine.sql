-- Quarantined inputs of records that were emptied because they are about an erased person.
UPDATE quarantine SET state = 'dropped', sealed = NULL WHERE log = ? AND part = ? AND off = ?
