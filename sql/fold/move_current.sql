UPDATE {{.Current}} SET pid = m.pid FROM fold_moved AS m WHERE {{.Current}}.pid0 = m.pid0
