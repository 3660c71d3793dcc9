-- One row per measure, patient and span of days in one state, up to the as-of date: open, covered (closed by care) or
-- excluded, as far as the facts tell. Days on which the patient is not eligible, not alive or without a qualifying visit
-- in the 24 months before are in no row. Exclusion goes before cover. to_on is the first day no longer in that state, NULL
-- while it lasts on the as-of date; next_state says what came then (out: none of the three).
-- needs: run, measure_span, in_care
WITH pair AS (
    SELECT DISTINCT s.measure, s.patient_id, s.bucket
    FROM measure_span AS s
    WHERE s.part = 'eligible'
), span AS (
    SELECT s.measure, s.patient_id, s.bucket, s.from_on, s.to_on,
        CASE WHEN s.part = 'eligible' THEN 1 ELSE 0 END AS eligible, 0 AS seen,
        CASE WHEN s.part = 'excluded' THEN 1 ELSE 0 END AS excluded, CASE WHEN s.part = 'evidence' THEN 1 ELSE 0 END AS covered
    FROM measure_span AS s
    WHERE s.from_on IS NOT NULL AND (s.part <> 'evidence' OR s.met)
    UNION ALL
    SELECT p.measure, p.patient_id, p.bucket, c.from_on, c.to_on, 0, 1, 0, 0
    FROM pair AS p
    JOIN in_care AS c ON c.patient_id = p.patient_id
), edge AS (
    SELECT b.measure, b.patient_id, b.bucket, b.from_on AS day_on, b.eligible, b.seen, b.excluded, b.covered
    FROM span AS b
    UNION ALL
    SELECT e.measure, e.patient_id, e.bucket, e.to_on, -e.eligible, -e.seen, -e.excluded, -e.covered
    FROM span AS e
    WHERE e.to_on IS NOT NULL
), daily AS (
    SELECT g.measure, g.patient_id, g.bucket, g.day_on, sum(g.eligible) AS eligible, sum(g.seen) AS seen, sum(g.excluded) AS excluded, sum(g.covered) AS covered
    FROM edge AS g
    CROSS JOIN run AS r
    WHERE g.day_on <= r.as_of
    GROUP BY g.measure, g.patient_id, g.bucket, g.day_on
), running AS (
    SELECT d.measure, d.patient_id, d.bucket, d.day_on,
        sum(d.eligible) OVER w AS eligible, sum(d.seen) OVER w AS seen, sum(d.excluded) OVER w AS excluded, sum(d.covered) OVER w AS covered
    FROM daily AS d
    WINDOW w AS (PARTITION BY d.measure, d.patient_id ORDER BY d.day_on ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), stated AS (
    SELECT n.measure, n.patient_id, n.bucket, n.day_on,
        CASE WHEN n.eligible < 1 OR n.seen < 1 THEN 'out' WHEN n.excluded > 0 THEN 'excluded' WHEN n.covered > 0 THEN 'covered' ELSE 'open' END AS state
    FROM running AS n
), turned AS (
    SELECT t.measure, t.patient_id, t.bucket, t.day_on, t.state,
        lag(t.state) OVER (PARTITION BY t.measure, t.patient_id ORDER BY t.day_on ASC NULLS LAST) AS state_before
    FROM stated AS t
), island AS (
    SELECT t.measure, t.patient_id, t.bucket, t.state, t.day_on AS from_on,
        lead(t.day_on) OVER (PARTITION BY t.measure, t.patient_id ORDER BY t.day_on ASC NULLS LAST) AS to_on,
        lead(t.state) OVER (PARTITION BY t.measure, t.patient_id ORDER BY t.day_on ASC NULLS LAST) AS next_state
    FROM turned AS t
    WHERE t.state IS DISTINCT FROM t.state_before
)
SELECT i.measure, i.patient_id, i.bucket, i.state, i.from_on, i.to_on, i.next_state
FROM island AS i
WHERE i.state <> 'out'
