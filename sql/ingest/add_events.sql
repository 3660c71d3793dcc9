-- Events registered by a batch (view new_events: ek, bh), stored and quarantined ones.
INSERT INTO event_seen (ek, bh) SELECT ek, bh FROM new_events
