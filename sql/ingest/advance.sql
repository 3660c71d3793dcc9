-- Moves the position of one partition; the old position is a fence against a second reader.
UPDATE position SET next_offset = ? WHERE log = ? AND part = ? AND next_offset = ?
