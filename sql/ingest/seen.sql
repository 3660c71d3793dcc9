-- One row per input of the batch (view batch_keys: i, ek) whose event was registered before, with the hash of each body it
-- was seen with.
SELECT b.i, s.bh FROM batch_keys AS b JOIN event_seen AS s ON s.ek = b.ek
