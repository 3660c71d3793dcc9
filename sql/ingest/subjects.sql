-- One row per token of the batch (view batch_tokens: i, token) that has a patient key already.
SELECT b.i, s.pid FROM batch_tokens AS b JOIN subject AS s ON s.token = b.token
