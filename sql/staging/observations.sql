-- One row per measurement or finding and value set that knows its code. on_lo and on_hi as in services, dated by the end
-- of a period; later than the as-of date is left out. value is the number with its unit as received, cmp says that it is
-- only a bound, has_value that there is a result of any kind. shown is the number as lists print it, at most two
-- decimals. visit_class is the class of the visit that the result names, NULL when it names none that arrived.
-- needs: run, cutoff, people, coded
WITH known AS (
    SELECT f.pid, f.ent, f.status, f.encounter, c.valueset, f.value, f.value_unit, f.value_cmp, f.value_code, f.value_text, f.effective_off AS off,
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_el WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sl END AS at_lo,
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_eh WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sh END AS at_hi
    FROM coded AS c
    JOIN cur_observation AS f ON f.k = c.k
    WHERE c.resource = 'Observation' AND coalesce(f.status, '') <> 'entered-in-error'
), local AS (
    SELECT k.*, local_day(k.at_lo, k.off, r.zone) AS on_lo, CASE WHEN k.at_hi <> k.at_lo THEN local_day(k.at_hi, k.off, r.zone) END AS last_on
    FROM known AS k
    CROSS JOIN run AS r
    CROSS JOIN cutoff AS u
    WHERE (k.at_lo IS NULL OR k.at_lo < CASE WHEN k.off IS NULL THEN u.date_end ELSE u.instant_end END)
)
SELECT s.patient_id, s.bucket, o.valueset, key_text(o.ent) AS ent, o.status,
    coalesce(o.status IN ('final', 'amended', 'corrected'), FALSE) AS done, o.on_lo, coalesce(o.last_on, o.on_lo) AS on_hi,
    o.value, o.value_unit AS unit, nullif(o.value_cmp, '') AS cmp,
    o.value IS NOT NULL OR len(coalesce(o.value_code, [])) > 0 OR coalesce(o.value_text, FALSE) AS has_value,
    rtrim(rtrim(CAST(TRY_CAST(o.value AS DECIMAL(18,2)) AS VARCHAR), '0'), '.') AS shown,
    class_of(e.class) AS visit_class
FROM local AS o
JOIN people AS s ON s.pid = o.pid
LEFT JOIN cur_encounter AS e ON e.ent = o.encounter
