-- One row per person known by the as-of date, as the newest of their records describes them; a death known to any of the
-- records counts. birth_lo and birth_hi are the first and last day on which the person may have been born, the same when
-- the day is known. dead_from is the first day on which the person may have been dead; a death without a date is taken
-- as one that was always so, so that nobody writes to the dead. pcp is the clinician on record.
-- needs: run, people, clinicians
WITH death AS (
    SELECT c.pid, min(local_day(c.deceased_at_lo, c.deceased_at_off, r.zone)) AS died_on, bool_or(coalesce(c.deceased, FALSE)) AS died
    FROM cur_patient AS c
    CROSS JOIN run AS r
    GROUP BY c.pid
)
SELECT
    q.patient_id,
    q.bucket,
    CAST(p.birth_lo AS DATE) AS birth_lo,
    CAST(p.birth_hi AS DATE) AS birth_hi,
    p.gender AS sex,
    p.birth_sex,
    code_of(p.race) AS race,
    code_of(p.ethnicity) AS ethnicity,
    p.language,
    p.county,
    CASE WHEN regexp_matches(p.zip, '^[0-9]{5}') THEN substr(p.zip, 1, 3) END AS zip3,
    coalesce(d.died_on, CASE WHEN d.died THEN coalesce(CAST(p.birth_lo AS DATE), DATE '1900-01-01') END) AS dead_from,
    coalesce(p.active, TRUE) AS active,
    coalesce(p.has_mobile, FALSE) AS has_mobile,
    coalesce(p.has_phone, FALSE) OR coalesce(p.has_mobile, FALSE) AS has_phone,
    coalesce(p.has_email, FALSE) AS has_email,
    coalesce(p.has_address, FALSE) AS has_address,
    p.preferred_channel,
    c.label AS pcp
FROM people AS q
JOIN cur_patient AS p ON p.k = q.k
JOIN death AS d ON d.pid = q.pid
LEFT JOIN clinicians AS c ON c.ent = p.pcp
