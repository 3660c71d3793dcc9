-- One row per patient and measure in whose denominator the patient is on the as-of date: eligible by the rule, alive, and
-- with a qualifying visit in the 24 months before. Excluded patients have a row that says so; everybody else has none
-- (not applicable). Status and history come from gap_history, the evidence from the spans of the rules.
-- Evidence of a closed gap: what covers the as-of date longest; of two as long a clinical record before a billed one. Of
-- an open gap, in this order: a test or reading that is current and fell short; one that has a fault; a record without a
-- usable date; the latest that has run out (DateOutOfRange); else nothing (NotFound).
-- due_on of an open gap: when a reading is to be repeated or the last evidence ran out, else when the patient became
-- eligible (for influenza the end of October of the season); of a closed one when it comes up again; of an excluded one
-- nothing.
-- opened_on and closed_on are the days on which the state last changed as far as the facts tell: a gap also opens when
-- the patient comes back into care.
-- needs: run, gap_history, measure_span, measure, attribution
-- publishes: gap
WITH now_state AS (
    SELECT h.measure, h.patient_id, h.state, h.from_on
    FROM gap_history AS h
    WHERE h.to_on IS NULL
), opened AS (
    SELECT h.measure, h.patient_id, max(h.from_on) AS opened_on
    FROM gap_history AS h
    WHERE h.state = 'open'
    GROUP BY h.measure, h.patient_id
), eligible AS (
    SELECT s.measure, s.patient_id, min(s.due_on) AS due_on
    FROM measure_span AS s
    CROSS JOIN run AS r
    WHERE s.part = 'eligible' AND in_span(s.from_on, s.to_on, r.as_of)
    GROUP BY s.measure, s.patient_id
), candidate AS (
    SELECT s.measure, s.patient_id, s.to_on, s.due_on, s.from_on, s.resource, s.ent, s.fact_on, s.shown,
        CASE
            WHEN n.state <> 'open' THEN 1
            WHEN s.from_on IS NULL OR s.from_on > r.as_of THEN 4
            WHEN s.to_on <= r.as_of THEN 5
            WHEN s.reason <> 'InvalidAttribute' THEN 2
            ELSE 3
        END AS kind,
        CASE
            WHEN n.state <> 'open' OR s.reason = 'InvalidAttribute' THEN s.reason
            WHEN s.from_on IS NULL OR s.from_on > r.as_of THEN 'Missing'
            WHEN s.to_on <= r.as_of THEN 'DateOutOfRange'
            ELSE s.reason
        END AS reason
    FROM measure_span AS s
    JOIN now_state AS n ON n.measure = s.measure AND n.patient_id = s.patient_id
    CROSS JOIN run AS r
    WHERE (n.state = 'excluded' AND s.part = 'excluded' AND in_span(s.from_on, s.to_on, r.as_of))
        OR (n.state = 'covered' AND s.part = 'evidence' AND s.met AND in_span(s.from_on, s.to_on, r.as_of))
        OR (n.state = 'open' AND s.part = 'evidence' AND (s.met OR s.reason = 'ValueOutOfRange' OR s.from_on IS NULL OR s.to_on > r.as_of))
), best AS (
    SELECT c.measure, c.patient_id, c.kind, c.reason, c.due_on, c.resource, c.ent, c.fact_on, c.shown,
        row_number() OVER (
            PARTITION BY c.measure, c.patient_id
            ORDER BY c.kind ASC NULLS LAST, coalesce(c.to_on, DATE '9999-12-31') DESC NULLS LAST, c.from_on DESC NULLS LAST,
                CASE WHEN c.resource = 'Claim' THEN 1 ELSE 0 END ASC NULLS LAST, c.resource ASC NULLS LAST, c.ent ASC NULLS LAST) AS nth
    FROM candidate AS c
), lapsed AS (
    SELECT c.measure, c.patient_id, max(c.due_on) AS due_on
    FROM candidate AS c
    WHERE c.kind = 5
    GROUP BY c.measure, c.patient_id
), judged AS (
    SELECT n.measure, n.patient_id, n.state, n.from_on, b.reason, b.resource, b.ent, b.fact_on, b.shown, o.opened_on,
        CASE n.state WHEN 'covered' THEN b.due_on WHEN 'open' THEN later_day(CASE WHEN b.kind = 2 THEN b.due_on ELSE l.due_on END, e.due_on) END AS due_on
    FROM now_state AS n
    JOIN eligible AS e ON e.measure = n.measure AND e.patient_id = n.patient_id
    LEFT JOIN best AS b ON b.measure = n.measure AND b.patient_id = n.patient_id AND b.nth = 1
    LEFT JOIN lapsed AS l ON l.measure = n.measure AND l.patient_id = n.patient_id
    LEFT JOIN opened AS o ON o.measure = n.measure AND o.patient_id = n.patient_id
)
SELECT
    CAST(j.patient_id AS VARCHAR) AS patient_id,
    CAST(a.bucket AS SMALLINT) AS bucket,
    CAST(j.measure AS VARCHAR) AS measure,
    CAST(m.version AS VARCHAR) AS measure_version,
    CAST('1' AS VARCHAR) AS grp,
    CAST(r.period_start AS DATE) AS period_start,
    CAST(r.period_end AS DATE) AS period_end,
    CAST(r.as_of AS DATE) AS as_of,
    CAST(CASE WHEN j.state = 'open' THEN 'open' ELSE 'closed' END AS VARCHAR) AS status,
    CAST(CASE WHEN j.due_on IS NULL THEN NULL WHEN j.due_on < r.as_of THEN 'overdue' WHEN j.due_on <= r.period_end THEN 'due' ELSE 'not-yet-due' END AS VARCHAR) AS due,
    CAST(j.due_on AS DATE) AS due_on,
    CAST(CASE j.state WHEN 'covered' THEN 'care' WHEN 'excluded' THEN 'exclusion' END AS VARCHAR) AS closed_by,
    CAST(coalesce(j.reason, 'NotFound') AS VARCHAR) AS reason,
    CAST(j.ent AS VARCHAR) AS evidence_ent,
    CAST(j.resource AS VARCHAR) AS evidence_type,
    CAST(j.fact_on AS DATE) AS evidence_on,
    CAST(j.shown AS VARCHAR) AS evidence_value,
    CAST(j.opened_on AS DATE) AS opened_on,
    CAST(CASE WHEN j.state <> 'open' THEN j.from_on END AS DATE) AS closed_on,
    CAST(a.site AS VARCHAR) AS site,
    CAST(a.pcp AS VARCHAR) AS pcp,
    CAST(a.payer AS VARCHAR) AS payer
FROM judged AS j
JOIN measure AS m ON m.measure = j.measure
CROSS JOIN run AS r
JOIN attribution AS a ON a.patient_id = j.patient_id AND a.point_on = r.as_of
