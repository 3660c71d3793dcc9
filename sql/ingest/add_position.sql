-- First position of a partition.
INSERT INTO position (log, part, next_offset) VALUES (?, ?, ?)
