-- What became of a batch, by source and resource type.
INSERT INTO tally (log, part, first_offset, next_offset, source, resource, stored, duplicate, ignored, quarantined)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
