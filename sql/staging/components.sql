-- One row per part of a panel and value set that knows the part's code, whatever the code of the panel. The other columns
-- as in observations; ent is the panel's.
-- needs: run, cutoff, people, parts
WITH known AS (
    SELECT f.pid, f.ent, f.status, f.encounter, c.valueset, f.component[c.place].value AS value, f.component[c.place].unit AS unit, f.effective_off AS off,
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_el WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sl END AS at_lo,
        CASE WHEN f.effective_el < TIMESTAMP '9999-12-31' THEN f.effective_eh WHEN f.effective_sl > TIMESTAMP '0001-01-02' THEN f.effective_sh END AS at_hi
    FROM parts AS c
    JOIN cur_observation AS f ON f.k = c.k
    WHERE coalesce(f.status, '') <> 'entered-in-error'
), local AS (
    SELECT k.*, local_day(k.at_lo, k.off, r.zone) AS on_lo, CASE WHEN k.at_hi <> k.at_lo THEN local_day(k.at_hi, k.off, r.zone) END AS last_on
    FROM known AS k
    CROSS JOIN run AS r
    CROSS JOIN cutoff AS u
    WHERE (k.at_lo IS NULL OR k.at_lo < CASE WHEN k.off IS NULL THEN u.date_end ELSE u.instant_end END)
)
SELECT s.patient_id, s.bucket, o.valueset, key_text(o.ent) AS ent, o.status,
    coalesce(o.status IN ('final', 'amended', 'corrected'), FALSE) AS done, o.on_lo, coalesce(o.last_on, o.on_lo) AS on_hi, o.value, o.unit,
    rtrim(rtrim(CAST(TRY_CAST(o.value AS DECIMAL(18,2)) AS VARCHAR), '0'), '.') AS shown,
    class_of(e.class) AS visit_class
FROM local AS o
JOIN people AS s ON s.pid = o.pid
LEFT JOIN cur_encounter AS e ON e.ent = o.encounter
