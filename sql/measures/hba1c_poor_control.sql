-- HbA1c poor control of diabetes (lower is better). One row per patient and span of days that the rule reads out of one
-- fact: part says whether in it the patient is eligible, excluded, or judged by a test. gap judges the as-of date.
-- Rule: Healthy People 2030, objective D-03, reduce the proportion of adults with diabetes who have an A1c above 9 percent,
-- https://health.gov/healthypeople/objectives-and-data/browse-objectives/diabetes/reduce-proportion-adults-diabetes-who-have-a1c-value-above-9-percent-d-03
-- When to test again: American Diabetes Association, Standards of Care in Diabetes 2025, section 6,
-- https://doi.org/10.2337/dc25-S006 (every three months while the goal is not met).
-- Eligible: a diagnosis of diabetes that is present, from the 18th to the day before the 76th birthday, while alive.
-- Excluded: hospice or palliative care.
-- Judged by the last day with a test in the twelve months before: the lowest result of that day, a result without value
-- sorting lowest. At most 9 percent closes the gap; more, no usable value, or no test leaves it open. Results in mmol/mol
-- are converted (percent = 0.09148 * mmol/mol + 2.152, NGSP master equation, https://ngsp.org/ifcc.asp); one without unit
-- is Missing, in another unit or only bounded so that 9 is not decided InvalidAttribute. A test whose day is not known is
-- Missing: it cannot be put in order. Results in range that follow one another within the twelve months are one span, with
-- the last of them as evidence; a bad result that another followed is in no row. Preliminary and other statuses than final, amended, corrected: InvalidAttribute.
-- needs: run, patients, observations, conditions, hospice
-- value sets: diabetes, hba1c
-- measure: hba1c_poor_control | Diabetes: HbA1c above 9 % or not tested | 2030.1 | lower | chronic
WITH eligible AS (
    SELECT p.patient_id, p.bucket, later_day(c.present_from, plus_years(p.birth_hi, 18)) AS from_on,
        earlier_day(earlier_day(plus_years(p.birth_lo, 76), p.dead_from), c.present_to) AS to_on
    FROM conditions AS c
    JOIN patients AS p ON p.patient_id = c.patient_id
    CROSS JOIN run AS r
    WHERE c.valueset = 'diabetes' AND later_day(c.present_from, plus_years(p.birth_hi, 18)) <= r.as_of AND p.birth_hi IS NOT NULL
), test AS (
    SELECT o.patient_id, o.bucket, o.ent, o.done, o.on_lo, o.on_hi, o.value, o.unit, o.cmp, o.shown,
        CASE
            WHEN substr(o.unit, 1, 1) = '%' OR lower(o.unit) = 'percent' THEN o.value
            WHEN lower(substr(o.unit, 1, 8)) = 'mmol/mol' THEN o.value * CAST(0.09148 AS DOUBLE) + CAST(2.152 AS DOUBLE)
        END AS percent
    FROM observations AS o
    WHERE o.valueset = 'hba1c' AND EXISTS (SELECT 1 FROM eligible AS e WHERE e.patient_id = o.patient_id)
), graded AS (
    SELECT t.patient_id, t.bucket, t.ent, t.on_lo AS test_on, t.percent, t.shown || coalesce(' ' || t.unit, '') AS shown,
        CASE
            WHEN t.value IS NULL OR coalesce(t.unit, '') = '' THEN 'Missing'
            WHEN t.percent IS NULL THEN 'InvalidAttribute'
            WHEN coalesce(t.cmp, '<=') IN ('<', '<=') AND t.percent <= 9 THEN 'ValueInRange'
            WHEN t.cmp IN ('<', '<=') THEN 'InvalidAttribute'
            WHEN t.percent > 9 OR (t.cmp = '>' AND t.percent = 9) THEN 'ValueOutOfRange'
            ELSE 'InvalidAttribute'
        END AS reason
    FROM test AS t
    WHERE t.done AND t.on_lo = t.on_hi
), lowest AS (
    SELECT g.patient_id, g.bucket, g.ent, g.test_on, g.shown, g.reason,
        row_number() OVER (PARTITION BY g.patient_id, g.test_on ORDER BY g.percent ASC NULLS FIRST, g.ent ASC NULLS LAST) AS nth
    FROM graded AS g
), followed AS (
    SELECT l.patient_id, l.bucket, l.ent, l.test_on, l.shown, l.reason, l.reason = 'ValueInRange' AS met,
        lead(l.test_on) OVER w AS next_on, lead(l.reason) OVER w AS next_reason, lag(l.test_on) OVER w AS before_on, lag(l.reason) OVER w AS reason_before
    FROM lowest AS l
    WHERE l.nth = 1
    WINDOW w AS (PARTITION BY l.patient_id ORDER BY l.test_on ASC NULLS LAST)
), run_of AS (
    SELECT f.patient_id, f.bucket, f.ent, f.test_on, f.shown, f.reason, f.met, f.next_on,
        max(CASE WHEN f.met AND f.reason_before = 'ValueInRange' AND plus_years(f.before_on, 1) >= f.test_on THEN NULL ELSE f.test_on END)
            OVER (PARTITION BY f.patient_id ORDER BY f.test_on ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS since_on,
        f.met AND f.next_reason = 'ValueInRange' AND plus_years(f.test_on, 1) >= f.next_on AS goes_on
    FROM followed AS f
), judged AS (
    SELECT u.patient_id, u.bucket, u.ent, u.test_on, u.since_on, u.shown, u.reason, u.met, earlier_day(plus_years(u.test_on, 1), u.next_on) AS to_on
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
SELECT j.patient_id, j.bucket, 'evidence', CASE WHEN j.met THEN j.since_on ELSE j.test_on END, j.to_on,
    CASE j.reason WHEN 'ValueInRange' THEN plus_years(j.test_on, 1) WHEN 'ValueOutOfRange' THEN plus_months(j.test_on, 3) ELSE j.test_on END,
    j.met, j.reason, 'Observation', j.ent, j.test_on, j.shown
FROM judged AS j
UNION ALL
SELECT t.patient_id, t.bucket, 'evidence', t.on_hi, plus_years(t.on_lo, 1), t.on_hi, FALSE,
    CASE WHEN t.done THEN 'Missing' ELSE 'InvalidAttribute' END, 'Observation', t.ent, CASE WHEN t.on_lo = t.on_hi THEN t.on_lo END,
    t.shown || coalesce(' ' || t.unit, '')
FROM test AS t
WHERE NOT t.done OR t.on_lo IS NULL OR t.on_lo <> t.on_hi
