-- One row per booking made by the as-of date, as it stood then. A booking without a booking day counts from its start, or
-- from when we first heard of it. What happened to a booking after the as-of date is not known on it: one that starts
-- later is booked, unless it had been cancelled by then, was cancelled on a day that nobody gave, or is only proposed.
-- needs: run, people, sites
WITH booking AS (
    SELECT a.*,
        local_day(a.start_lo, a.start_off, r.zone) AS start_on,
        local_day(a.booked_lo, a.booked_off, r.zone) AS booked_on,
        local_day(a.known_at, 0, r.zone) AS known_on,
        local_day(a.cancelled_lo, a.cancelled_off, r.zone) AS cancelled_on,
        r.as_of
    FROM cur_appointment AS a
    CROSS JOIN run AS r
)
SELECT s.patient_id, s.bucket, key_text(a.ent) AS ent,
    CASE
        WHEN a.status = 'cancelled' AND a.cancelled_on > a.as_of THEN 'booked'
        WHEN a.status IN ('cancelled', 'proposed', 'pending', 'waitlist') OR a.start_on <= a.as_of THEN a.status
        ELSE 'booked'
    END AS status,
    a.start_on, o.label AS site
FROM booking AS a
JOIN people AS s ON s.pid = a.pid
LEFT JOIN sites AS o ON o.ent = a.location
WHERE coalesce(a.status, '') <> 'entered-in-error' AND a.start_on IS NOT NULL
    AND (a.start_on <= a.as_of OR coalesce(a.booked_on, a.known_on) <= a.as_of)
