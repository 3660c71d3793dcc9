-- One row per patient and span of days on each of which the patient had a qualifying visit in the 24 months before: from
-- the visit to the day 24 months after the last of them (not included). Rules take nobody else into their denominator.
-- needs: visits
WITH ranked AS (
    SELECT v.patient_id, v.bucket, v.visit_on,
        lag(v.visit_on) OVER (PARTITION BY v.patient_id ORDER BY v.visit_on ASC NULLS FIRST) AS visit_before
    FROM (SELECT DISTINCT x.patient_id, x.bucket, x.visit_on FROM visits AS x) AS v
), numbered AS (
    SELECT k.patient_id, k.bucket, k.visit_on,
        sum(CASE WHEN plus_months(k.visit_before, 24) >= k.visit_on THEN 0 ELSE 1 END)
            OVER (PARTITION BY k.patient_id ORDER BY k.visit_on ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS island
    FROM ranked AS k
)
SELECT n.patient_id, n.bucket, min(n.visit_on) AS from_on, plus_months(max(n.visit_on), 24) AS to_on
FROM numbered AS n
GROUP BY n.patient_id, n.bucket, n.island
