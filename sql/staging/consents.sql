-- One row per consent given, withdrawn or run out by the as-of date. record_id is the patient record that said it: of
-- merged records each keeps its own word, and the strictest wins. What is not exact is read strictly: a grant counts from
-- the last moment it may have begun and sorts by the first; a withdrawal the other way round.
-- needs: run, people
WITH said AS (
    SELECT c.pid, c.pid0, c.ent, c.action, c.channel, c.purpose,
        coalesce(CASE WHEN c.action = 'granted' THEN c.effective_lo ELSE c.effective_hi END, c.known_at) AS sort_at,
        CASE WHEN c.effective_lo IS NULL THEN local_day(c.known_at, 0, r.zone)
            WHEN c.action = 'granted' THEN local_day(c.effective_hi, c.effective_off, r.zone)
            ELSE local_day(c.effective_lo, c.effective_off, r.zone) END AS effective_on,
        local_day(c.expires_lo, c.expires_off, r.zone) AS expires_on,
        r.as_of
    FROM cur_consent AS c
    CROSS JOIN run AS r
)
SELECT s.patient_id, s.bucket, key_text(t.token) AS record_id, key_text(c.ent) AS ent,
    CASE WHEN c.action = 'granted' AND c.expires_on <= c.as_of THEN 'expired' ELSE c.action END AS action,
    c.channel, c.purpose, c.sort_at, c.effective_on
FROM said AS c
JOIN people AS s ON s.pid = c.pid
JOIN subject AS t ON t.pid = c.pid0
WHERE c.effective_on <= c.as_of
