-- One row per person known by the as-of date. Each element is that of the newest record which has it: a list of contacts,
-- or a second hospital's record, adds what it knows and takes nothing away. Ways to reach the person and a death known to
-- any record count. birth_lo and birth_hi are the first and last day on which the person may have been born, the same when
-- the day is known. dead_from is the first day on which the person may have been dead; a death without a date is taken
-- as one that was always so, so that nobody writes to the dead. pcp is the clinician on record.
-- needs: run, people, clinicians
WITH record AS (
    SELECT q.patient_id, q.bucket, c.*,
        -row_number() OVER (PARTITION BY c.pid ORDER BY c.k = q.k DESC NULLS LAST, c.known_at DESC NULLS LAST, c.version DESC NULLS LAST, c.k DESC NULLS LAST) AS newest,
        local_day(c.deceased_at_lo, c.deceased_at_off, r.zone) AS died_on
    FROM people AS q
    JOIN cur_patient AS c ON c.pid = q.pid
    CROSS JOIN run AS r
), person AS (
    SELECT patient_id, bucket,
        arg_max(birth_lo, newest) AS birth_lo,
        arg_max(birth_hi, newest) AS birth_hi,
        arg_max(gender, newest) AS gender,
        arg_max(birth_sex, newest) AS birth_sex,
        arg_max(race, newest) AS race,
        arg_max(ethnicity, newest) AS ethnicity,
        arg_max(language, newest) AS language,
        arg_max(county, newest) AS county,
        arg_max(zip, newest) AS zip,
        arg_max(active, newest) AS active,
        arg_max(preferred_channel, newest) AS preferred_channel,
        arg_max(pcp, newest) AS pcp,
        bool_or(coalesce(has_mobile, FALSE)) AS has_mobile,
        bool_or(coalesce(has_phone, FALSE) OR coalesce(has_mobile, FALSE)) AS has_phone,
        bool_or(coalesce(has_email, FALSE)) AS has_email,
        bool_or(coalesce(has_address, FALSE)) AS has_address,
        min(died_on) AS died_on,
        bool_or(coalesce(deceased, FALSE)) AS died
    FROM record
    GROUP BY patient_id, bucket
)
SELECT
    p.patient_id,
    p.bucket,
    CAST(p.birth_lo AS DATE) AS birth_lo,
    CAST(p.birth_hi AS DATE) AS birth_hi,
    p.gender AS sex,
    p.birth_sex,
    code_of(p.race) AS race,
    code_of(p.ethnicity) AS ethnicity,
    p.language,
    p.county,
    CASE WHEN regexp_matches(p.zip, '^[0-9]{5}') THEN substr(p.zip, 1, 3) END AS zip3,
    coalesce(p.died_on, CASE WHEN p.died THEN coalesce(CAST(p.birth_lo AS DATE), DATE '1900-01-01') END) AS dead_from,
    coalesce(p.active, TRUE) AS active,
    p.has_mobile,
    p.has_phone,
    p.has_email,
    p.has_address,
    p.preferred_channel,
    c.label AS pcp
FROM person AS p
LEFT JOIN clinicians AS c ON c.ent = p.pcp
