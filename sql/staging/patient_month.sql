-- One row per patient and month of the last 24 that had ended by the as-of date: site, clinician and payer class to which
-- the patient is attributed on the month's last day.
-- needs: run, attribution, points
-- publishes: patient_month
SELECT CAST(a.patient_id AS VARCHAR) AS patient_id, CAST(q.month AS DATE) AS month, CAST(a.site AS VARCHAR) AS site,
    CAST(a.pcp AS VARCHAR) AS pcp, CAST(a.payer AS VARCHAR) AS payer
FROM attribution AS a
JOIN points AS q ON q.point_on = a.point_on AND q.month_end
