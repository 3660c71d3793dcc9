-- One row per event of a message, a call, the portal or a survey up to the as-of date. Opens by mail scanners are left
-- out. minutes is staff time spent.
-- needs: run, people
SELECT s.patient_id, s.bucket, key_text(e.ent) AS ent, e.verb, local_day(e.at_lo, e.at_off, r.zone) AS at_on, e.channel,
    coalesce(e.automated, FALSE) AS automated,
    CAST(e.staff_minutes * CASE WHEN lower(e.staff_minutes_unit) IN ('h', 'hr', 'hour', 'hours') THEN 60 ELSE 1 END AS DECIMAL(18,4)) AS minutes,
    CASE WHEN e.score BETWEEN 0 AND 10 THEN CAST(e.score AS INTEGER) END AS score
FROM cur_engagement AS e
JOIN people AS s ON s.pid = e.pid
CROSS JOIN run AS r
WHERE NOT coalesce(e.machine_open, FALSE) AND local_day(e.at_lo, e.at_off, r.zone) <= r.as_of
