DELETE FROM person WHERE pid IN (SELECT m.pid0 FROM fold_moved AS m)
