-- Blood pressure control. One row per patient and span of days that the rule reads out of one fact: part says whether in
-- it the patient is eligible, excluded, or judged by a reading. gap judges these spans on the as-of date.
-- Rule: World Health Organization, Guideline for the pharmacological treatment of hypertension in adults, 2021, target below
-- 140/90 mmHg and a monthly look until it is met, https://www.who.int/publications/i/item/9789240033986
-- Eligible: a diagnosis of high blood pressure that is present, from the 18th to the day before the 86th birthday, alive.
-- Excluded: hospice or palliative care. Kidney failure, dialysis and pregnancy are not read.
-- Judged by the last day with a reading of both pressures in the twelve months before: the lowest systolic below 140 and
-- the lowest diastolic below 90, be they of one reading or two. Readings are found by the codes of their parts, whatever
-- the code of the panel, or stand alone. Those taken in an emergency department or a hospital stay do not count: where a
-- reading names its visit the visit's class decides, else whether such a stay of the patient covers the day.
-- Without value or unit a reading is Missing, in another unit than mmHg or with another status than final, amended or
-- corrected InvalidAttribute, with an uncertain day Missing; none of these hides an earlier good day. Days in range that
-- follow one another within the twelve months are one span, with the last as evidence; a bad day that another followed is
-- in no row.
-- needs: run, patients, observations, components, encounters, conditions, hospice
-- value sets: hypertension, bp_systolic, bp_diastolic
-- measure: bp_control | Blood pressure below 140/90 | 2021.1 | higher | chronic
WITH eligible AS (
    SELECT p.patient_id, p.bucket, later_day(c.present_from, plus_years(p.birth_hi, 18)) AS from_on,
        earlier_day(earlier_day(plus_years(p.birth_lo, 86), p.dead_from), c.present_to) AS to_on
    FROM conditions AS c
    JOIN patients AS p ON p.patient_id = c.patient_id
    CROSS JOIN run AS r
    WHERE c.valueset = 'hypertension' AND later_day(c.present_from, plus_years(p.birth_hi, 18)) <= r.as_of AND p.birth_hi IS NOT NULL
), pressure AS (
    SELECT c.patient_id, c.bucket, c.valueset, c.ent, c.done, c.on_lo, c.on_hi, c.value, lower(c.unit) AS unit, CAST(NULL AS VARCHAR) AS cmp, c.shown, c.visit_class
    FROM components AS c
    WHERE c.valueset IN ('bp_systolic', 'bp_diastolic')
    UNION ALL
    SELECT o.patient_id, o.bucket, o.valueset, o.ent, o.done, o.on_lo, o.on_hi, o.value, lower(o.unit), o.cmp, o.shown, o.visit_class
    FROM observations AS o
    WHERE o.valueset IN ('bp_systolic', 'bp_diastolic')
), stay AS (
    SELECT e.patient_id, e.start_on, coalesce(e.end_on, e.start_on) AS end_on
    FROM encounters AS e
    WHERE e.class IN ('EMER', 'IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS', 'PRENC') AND coalesce(e.status, '') NOT IN ('cancelled', 'planned')
), outside AS (
    SELECT q.patient_id, q.bucket, q.valueset, q.ent, q.on_lo, q.on_hi, q.value, q.shown,
        CASE
            WHEN NOT q.done THEN 'InvalidAttribute'
            WHEN q.on_lo IS NULL OR q.on_lo <> q.on_hi OR q.value IS NULL OR coalesce(q.unit, '') = '' THEN 'Missing'
            WHEN q.unit NOT IN ('mm[hg]', 'mmhg', 'mm hg') OR q.cmp IS NOT NULL THEN 'InvalidAttribute'
        END AS fault
    FROM pressure AS q
    WHERE EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = q.patient_id)
        AND coalesce(q.visit_class, '') NOT IN ('EMER', 'IMP', 'ACUTE', 'NONAC', 'OBSENC', 'SS', 'PRENC')
        AND (q.visit_class IS NOT NULL
            OR NOT EXISTS (SELECT 1 FROM stay AS h WHERE h.patient_id = q.patient_id AND h.start_on <= q.on_lo AND h.end_on >= q.on_lo))
), ranked AS (
    SELECT o.patient_id, o.bucket, o.valueset, o.ent, o.on_lo AS read_on, o.value, o.shown,
        row_number() OVER (PARTITION BY o.patient_id, o.valueset, o.on_lo ORDER BY o.value ASC NULLS LAST, o.ent ASC NULLS LAST) AS nth
    FROM outside AS o
    WHERE o.fault IS NULL
), day_read AS (
    SELECT s.patient_id, s.bucket, s.ent, s.read_on, s.value < 140 AND d.value < 90 AS met, s.shown || '/' || d.shown || ' mm[Hg]' AS shown
    FROM ranked AS s
    JOIN ranked AS d ON d.patient_id = s.patient_id AND d.read_on = s.read_on
    WHERE s.valueset = 'bp_systolic' AND s.nth = 1 AND d.valueset = 'bp_diastolic' AND d.nth = 1
), followed AS (
    SELECT y.patient_id, y.bucket, y.ent, y.read_on, y.shown, y.met,
        lead(y.read_on) OVER w AS next_on, lead(y.met) OVER w AS next_met, lag(y.read_on) OVER w AS before_on, lag(y.met) OVER w AS met_before
    FROM day_read AS y
    WINDOW w AS (PARTITION BY y.patient_id ORDER BY y.read_on ASC NULLS LAST)
), run_of AS (
    SELECT f.patient_id, f.bucket, f.ent, f.read_on, f.shown, f.met, f.next_on,
        max(CASE WHEN f.met AND f.met_before AND plus_years(f.before_on, 1) >= f.read_on THEN NULL ELSE f.read_on END)
            OVER (PARTITION BY f.patient_id ORDER BY f.read_on ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS since_on,
        f.met AND f.next_met AND plus_years(f.read_on, 1) >= f.next_on AS goes_on
    FROM followed AS f
), judged AS (
    SELECT u.patient_id, u.bucket, u.ent, u.read_on, u.since_on, u.shown, u.met, earlier_day(plus_years(u.read_on, 1), u.next_on) AS to_on
    FROM run_of AS u
    WHERE (u.met AND NOT coalesce(u.goes_on, FALSE)) OR u.next_on IS NULL
)
SELECT e.patient_id, e.bucket, 'eligible' AS part, e.from_on, e.to_on, e.from_on AS due_on, CAST(NULL AS BOOLEAN) AS met, CAST(NULL AS VARCHAR) AS reason,
    CAST(NULL AS VARCHAR) AS resource, CAST(NULL AS VARCHAR) AS ent, CAST(NULL AS DATE) AS fact_on, CAST(NULL AS VARCHAR) AS shown
FROM eligible AS e
WHERE e.from_on < e.to_on
UNION ALL
SELECT h.patient_id, h.bucket, 'excluded', h.from_on, h.to_on, CAST(NULL AS DATE), CAST(NULL AS BOOLEAN), 'Present', h.resource, h.ent, h.fact_on, CAST(NULL AS VARCHAR)
FROM hospice AS h
WHERE EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = h.patient_id)
UNION ALL
SELECT j.patient_id, j.bucket, 'evidence', CASE WHEN j.met THEN j.since_on ELSE j.read_on END, j.to_on,
    CASE WHEN j.met THEN plus_years(j.read_on, 1) ELSE plus_months(j.read_on, 1) END,
    j.met, CASE WHEN j.met THEN 'ValueInRange' ELSE 'ValueOutOfRange' END, 'Observation', j.ent, j.read_on, j.shown
FROM judged AS j
UNION ALL
SELECT o.patient_id, o.bucket, 'evidence', o.on_hi, plus_years(o.on_lo, 1), o.on_hi, FALSE, o.fault, 'Observation', o.ent,
    CASE WHEN o.on_lo = o.on_hi THEN o.on_lo END, o.shown
FROM outside AS o
WHERE o.fault IS NOT NULL
