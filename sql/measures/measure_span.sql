-- One row per measure, patient and span of days: the spans that all rules read out of facts. A span that begins on or after its end (a vaguely dated fact that surely covers nothing) proves nothing:
-- its reason is Missing and it has no days.
-- needs: run, colorectal_screening, breast_screening, hba1c_poor_control, bp_control, influenza_vaccination
WITH rule AS (
    SELECT 'colorectal_screening' AS measure, s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown
    FROM colorectal_screening AS s
    UNION ALL
    SELECT 'breast_screening', s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown
    FROM breast_screening AS s
    UNION ALL
    SELECT 'hba1c_poor_control', s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown
    FROM hba1c_poor_control AS s
    UNION ALL
    SELECT 'bp_control', s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown
    FROM bp_control AS s
    UNION ALL
    SELECT 'influenza_vaccination', s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown
    FROM influenza_vaccination AS s
), dated AS (
    SELECT s.measure, s.patient_id, s.bucket, s.part, s.from_on, s.to_on, s.due_on, s.met, s.reason, s.resource, s.ent, s.fact_on, s.shown,
        coalesce(s.from_on >= s.to_on, s.from_on IS NULL) AS vague
    FROM rule AS s
)
SELECT d.measure, d.patient_id, d.bucket, d.part,
    CASE WHEN NOT d.vague THEN d.from_on END AS from_on,
    CASE WHEN NOT d.vague THEN d.to_on END AS to_on,
    CASE WHEN NOT d.vague THEN d.due_on END AS due_on,
    d.met AND NOT d.vague AS met,
    CASE WHEN d.vague AND d.met THEN 'Missing' ELSE d.reason END AS reason,
    d.resource, d.ent, d.fact_on, d.shown
FROM dated AS d
