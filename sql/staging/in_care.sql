-- One row per patient and span of days on each of which the patient had a qualifying visit in the 24 months before: from
-- the visit to the day 24 months after the last of them (not included). Rules take nobody else into their denominator.
-- needs: visits
WITH followed AS (
    SELECT v.patient_id, v.bucket, v.visit_on,
        lag(v.visit_on) OVER (PARTITION BY v.patient_id ORDER BY v.visit_on ASC NULLS FIRST) AS visit_before,
        max(v.visit_on) OVER (PARTITION BY v.patient_id ORDER BY v.visit_on ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_on
    FROM visits AS v
), begun AS (
    SELECT f.patient_id, f.bucket, f.visit_on AS from_on, f.visit_before, f.last_on
    FROM followed AS f
    WHERE f.visit_before IS NULL OR plus_months(f.visit_before, 24) < f.visit_on
)
SELECT b.patient_id, b.bucket, b.from_on,
    plus_months(coalesce(lead(b.visit_before) OVER (PARTITION BY b.patient_id ORDER BY b.from_on ASC NULLS FIRST), b.last_on), 24) AS to_on
FROM begun AS b
