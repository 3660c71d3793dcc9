-- One row per diagnosis or problem and value set that knows its code. present_from is the first day on which it was
-- surely there: its onset, else the day it was recorded. present_to is the first day on which it may have been gone
-- (NULL: still there). Without an end it lasts while its clinical status is active, recurrence or relapse or is not given;
-- any other status means an end that nobody wrote down, so that it is only known to have been there on the day it began.
-- Refuted and erroneous ones are left out, and those that nothing dates: unknown is not evidence.
-- needs: run, people, coded
WITH known AS (
    SELECT f.pid, f.ent, c.valueset,
        CASE WHEN f.onset_sh < TIMESTAMP '9999-12-31' THEN local_day(f.onset_sh, f.onset_off, r.zone) ELSE local_day(f.recorded_hi, f.recorded_off, r.zone) END AS present_from,
        CASE WHEN f.abatement_sl > TIMESTAMP '0001-01-02' THEN local_day(f.abatement_sl, f.abatement_off, r.zone)
            WHEN f.abatement_el < TIMESTAMP '9999-12-31' THEN local_day(f.abatement_el, f.abatement_off, r.zone) END AS ended_on,
        len(coalesce(f.clinical_status, [])) = 0
            OR list_has_any(list_transform(f.clinical_status, lambda x: lower(code_of(x))), ['active', 'recurrence', 'relapse']) AS lasting,
        coalesce(list_has_any(list_transform(f.verification_status, lambda x: lower(code_of(x))), ['refuted', 'entered-in-error']), FALSE) AS refuted,
        r.as_of
    FROM coded AS c
    JOIN cur_condition AS f ON f.k = c.k
    CROSS JOIN run AS r
    WHERE c.resource = 'Condition'
)
SELECT s.patient_id, s.bucket, k.valueset, key_text(k.ent) AS ent, k.present_from,
    CASE WHEN k.ended_on IS NOT NULL THEN plus_days(k.ended_on, 1) WHEN NOT k.lasting THEN plus_days(k.present_from, 1) END AS present_to
FROM known AS k
JOIN people AS s ON s.pid = k.pid
WHERE NOT k.refuted AND k.present_from <= k.as_of
