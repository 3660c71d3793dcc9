-- How far one partition of a log is read.
SELECT next_offset FROM position WHERE log = ? AND part = ?
