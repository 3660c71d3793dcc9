-- person holds merged patients only: who is not in it stands for itself.
INSERT INTO person (pid, survivor)
SELECT m.pid0, m.pid FROM fold_moved AS m WHERE m.pid0 <> m.pid
