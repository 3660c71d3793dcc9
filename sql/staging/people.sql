-- One row per person known by the as-of date: the store's own key, the token of the record that stands for the person, and
-- the record that describes them: of several merged ones the newest, by when we heard of it. A record that has not arrived
-- (a stub), was retracted or replaced gives no row; nor does someone born after the as-of date. Facts join here, so that
-- nobody else's facts are in a run. Only staging reads it: pid and k never leave the store.
-- needs: run
SELECT p.pid, p.k, key_text(s.token) AS patient_id, s.bucket
FROM (
    SELECT c.pid, c.k, c.birth_lo,
        row_number() OVER (PARTITION BY c.pid ORDER BY c.known_at DESC NULLS LAST, c.version DESC NULLS LAST, c.ent DESC NULLS LAST) AS nth
    FROM cur_patient AS c
) AS p
JOIN subject AS s ON s.pid = p.pid
CROSS JOIN run AS r
WHERE p.nth = 1 AND (p.birth_lo IS NULL OR CAST(p.birth_lo AS DATE) <= r.as_of)
