-- The patient key of a token, for the deletion of everything under it.
SELECT pid FROM subject WHERE token = CAST(? AS UUID)
