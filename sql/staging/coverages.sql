-- One row per span of insurance: in force from from_on to to_on (not included; NULL: open), as far as is sure. Cancelled,
-- draft and erroneous ones are left out.
-- needs: run, people
SELECT s.patient_id, s.bucket, c.payer,
    CASE WHEN c.period_sl > TIMESTAMP '0001-01-02' THEN local_day(c.period_sh, c.period_off, r.zone) ELSE DATE '1900-01-01' END AS from_on,
    CASE WHEN c.period_el < TIMESTAMP '9999-12-31' THEN plus_days(local_day(c.period_el, c.period_off, r.zone), 1) END AS to_on
FROM cur_coverage AS c
JOIN people AS s ON s.pid = c.pid
CROSS JOIN run AS r
WHERE c.payer IS NOT NULL AND coalesce(c.status, 'active') NOT IN ('cancelled', 'draft', 'entered-in-error')
