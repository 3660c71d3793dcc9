-- One row per measurement or finding and value set that knows its code. on_lo and on_hi as in services, dated by the end
-- of a period; later than the as-of date is left out. value is the number with its unit as received, cmp says that it is
-- only a bound, has_value that there is a result of any kind. shown is the number as lists print it, at most two decimals.
-- needs: run, people, coded
WITH local AS (
    SELECT f.*, c.valueset, r.as_of,
        local_day(CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_el WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sl END, f.effective_off, r.zone) AS on_lo,
        local_day(CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_eh WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sh END, f.effective_off, r.zone) AS on_hi
    FROM coded AS c
    JOIN cur_observation AS f ON f.k = c.k
    CROSS JOIN run AS r
    WHERE c.resource = 'Observation'
)
SELECT s.patient_id, s.bucket, o.valueset, key_text(o.ent) AS ent, o.status,
    coalesce(o.status IN ('final', 'amended', 'corrected'), FALSE) AS done, o.on_lo, o.on_hi,
    o.value, o.value_unit AS unit, nullif(o.value_cmp, '') AS cmp,
    o.value IS NOT NULL OR len(coalesce(o.value_code, [])) > 0 OR coalesce(o.value_text, FALSE) AS has_value,
    regexp_replace(printf('%.2f', o.value), '[.]?0+$', '') AS shown,
    key_text(o.encounter) AS encounter
FROM local AS o
JOIN people AS s ON s.pid = o.pid
WHERE coalesce(o.status, '') <> 'entered-in-error' AND (o.on_lo IS NULL OR o.on_lo <= o.as_of)
