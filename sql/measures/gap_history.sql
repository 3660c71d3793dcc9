-- One row per measure, patient and span of days in one state, up to the as-of date: open, covered (closed by care) or
-- excluded, as far as the facts tell. Days on which the patient is not eligible, not alive or without a qualifying visit
-- in the 24 months before are in no row. Exclusion goes before cover. to_on is the first day no longer in that state, NULL
-- while it lasts on the as-of date; next_state says what came then (out: none of the three).
-- needs: run, measure_span, in_care
WITH pair AS (
    SELECT x.measure, x.patient_id, row_number() OVER (ORDER BY x.patient_id ASC NULLS LAST, x.measure ASC NULLS LAST) AS pair_no
    FROM (SELECT DISTINCT s.measure, s.patient_id FROM measure_span AS s WHERE s.part = 'eligible') AS x
), span AS (
    SELECT p.pair_no, s.from_on, s.to_on,
        CASE WHEN s.part = 'eligible' THEN 1 ELSE 0 END AS eligible, 0 AS seen,
        CASE WHEN s.part = 'excluded' THEN 1 ELSE 0 END AS excluded, CASE WHEN s.part = 'evidence' THEN 1 ELSE 0 END AS covered
    FROM measure_span AS s
    JOIN pair AS p ON p.measure = s.measure AND p.patient_id = s.patient_id
    WHERE s.from_on IS NOT NULL AND (s.part <> 'evidence' OR s.met)
    UNION ALL
    SELECT p.pair_no, c.from_on, c.to_on, 0, 1, 0, 0
    FROM pair AS p
    JOIN in_care AS c ON c.patient_id = p.patient_id
), edge AS (
    SELECT b.pair_no, b.from_on AS day_on, b.eligible, b.seen, b.excluded, b.covered
    FROM span AS b
    UNION ALL
    SELECT e.pair_no, e.to_on, -e.eligible, -e.seen, -e.excluded, -e.covered
    FROM span AS e
    WHERE e.to_on IS NOT NULL
), daily AS (
    SELECT g.pair_no, g.day_on, sum(g.eligible) AS eligible, sum(g.seen) AS seen, sum(g.excluded) AS excluded, sum(g.covered) AS covered
    FROM edge AS g
    CROSS JOIN run AS r
    WHERE g.day_on <= r.as_of
    GROUP BY g.pair_no, g.day_on
), running AS (
    SELECT d.pair_no, d.day_on, d.eligible, d.seen, d.excluded, d.covered,
        sum(d.eligible) OVER w AS eligible_now, sum(d.seen) OVER w AS seen_now, sum(d.excluded) OVER w AS excluded_now, sum(d.covered) OVER w AS covered_now
    FROM daily AS d
    WINDOW w AS (PARTITION BY d.pair_no ORDER BY d.day_on ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), stated AS (
    SELECT n.pair_no, n.day_on,
        CASE WHEN n.eligible_now < 1 OR n.seen_now < 1 THEN 'out' WHEN n.excluded_now > 0 THEN 'excluded' WHEN n.covered_now > 0 THEN 'covered' ELSE 'open' END AS state,
        CASE WHEN n.eligible_now - n.eligible < 1 OR n.seen_now - n.seen < 1 THEN 'out' WHEN n.excluded_now - n.excluded > 0 THEN 'excluded'
            WHEN n.covered_now - n.covered > 0 THEN 'covered' ELSE 'open' END AS state_before
    FROM running AS n
), island AS (
    SELECT t.pair_no, t.state, t.day_on AS from_on, lead(t.day_on) OVER w AS to_on, lead(t.state) OVER w AS next_state
    FROM stated AS t
    WHERE t.state <> t.state_before
    WINDOW w AS (PARTITION BY t.pair_no ORDER BY t.day_on ASC NULLS LAST)
)
SELECT p.measure, p.patient_id, i.state, i.from_on, i.to_on, i.next_state
FROM island AS i
JOIN pair AS p ON p.pair_no = i.pair_no
WHERE i.state <> 'out'
