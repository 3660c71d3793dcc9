-- One row per part of a panel (such as the systolic pressure of a blood pressure reading) and value set that knows the
-- part's code, whatever the code of the panel. The other columns as in observations; ent is the panel's.
-- needs: run, people, valueset
WITH part AS (
    SELECT f.pid, f.ent, f.status, f.encounter, f.effective_sl, f.effective_sh, f.effective_el, f.effective_eh, f.effective_off,
        unnest(f.component) AS c
    FROM cur_observation AS f
    WHERE len(f.component) > 0
), known AS (
    SELECT DISTINCT p.*, v.valueset
    FROM (SELECT x.*, unnest(x.c.code) AS code FROM part AS x) AS p
    JOIN valueset AS v ON v.code = p.code
), local AS (
    SELECT k.pid, k.ent, k.status, k.encounter, k.valueset, k.c.value AS value, k.c.unit AS unit, r.as_of,
        local_day(CASE WHEN k.effective_el < TIMESTAMP '9999-12-31' THEN k.effective_el WHEN k.effective_sl > TIMESTAMP '0001-01-02' THEN k.effective_sl END, k.effective_off, r.zone) AS on_lo,
        local_day(CASE WHEN k.effective_el < TIMESTAMP '9999-12-31' THEN k.effective_eh WHEN k.effective_sl > TIMESTAMP '0001-01-02' THEN k.effective_sh END, k.effective_off, r.zone) AS on_hi
    FROM known AS k
    CROSS JOIN run AS r
)
SELECT s.patient_id, s.bucket, o.valueset, key_text(o.ent) AS ent, o.status,
    coalesce(o.status IN ('final', 'amended', 'corrected'), FALSE) AS done, o.on_lo, o.on_hi, o.value, o.unit,
    regexp_replace(printf('%.2f', o.value), '[.]?0+$', '') AS shown, key_text(o.encounter) AS encounter
FROM local AS o
JOIN people AS s ON s.pid = o.pid
WHERE coalesce(o.status, '') <> 'entered-in-error' AND (o.on_lo IS NULL OR o.on_lo <= o.as_of)
