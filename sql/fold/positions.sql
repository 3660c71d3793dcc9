-- How far each log is read in this snapshot.
SELECT log, part, next_offset FROM position ORDER BY log, part
