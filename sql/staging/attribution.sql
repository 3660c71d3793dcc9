-- One row per patient and day of points: the site with most qualifying visits in the 24 months up to that day (the later
-- last visit wins a tie, then the name), the clinician on record, else the one with most such visits, and the payer class
-- in force on that day. Insured by Medicare and Medicaid at once is dual; of other classes at once the first of dual,
-- medicare, medicaid, commercial, military, other, self-pay is kept. A patient of whom no source ever sent a span of
-- insurance has the payer class of the newest claim with service in the twelve months up to that day.
-- NULL: nothing says it. Months outside every span of insurance have no payer.
-- needs: points, patients, visits, coverages, charges
WITH site_count AS (
    SELECT v.patient_id, q.point_on, v.site, count(*) AS visits, max(v.visit_on) AS last_on
    FROM visits AS v
    JOIN points AS q ON v.visit_on <= q.point_on AND v.visit_on > plus_months(q.point_on, -24)
    WHERE v.site IS NOT NULL
    GROUP BY v.patient_id, q.point_on, v.site
), site AS (
    SELECT c.patient_id, c.point_on, c.site,
        row_number() OVER (PARTITION BY c.patient_id, c.point_on ORDER BY c.visits DESC NULLS LAST, c.last_on DESC NULLS LAST, c.site ASC NULLS LAST) AS nth
    FROM site_count AS c
), clinician_count AS (
    SELECT v.patient_id, q.point_on, v.clinician, count(*) AS visits, max(v.visit_on) AS last_on
    FROM visits AS v
    JOIN patients AS p ON p.patient_id = v.patient_id AND p.pcp IS NULL
    JOIN points AS q ON v.visit_on <= q.point_on AND v.visit_on > plus_months(q.point_on, -24)
    WHERE v.clinician IS NOT NULL
    GROUP BY v.patient_id, q.point_on, v.clinician
), clinician AS (
    SELECT c.patient_id, c.point_on, c.clinician,
        row_number() OVER (PARTITION BY c.patient_id, c.point_on ORDER BY c.visits DESC NULLS LAST, c.last_on DESC NULLS LAST, c.clinician ASC NULLS LAST) AS nth
    FROM clinician_count AS c
), rank_of AS (
    SELECT k.payer, k.nth
    FROM (VALUES ('dual', 1), ('medicare', 2), ('medicaid', 3), ('commercial', 4), ('military', 5), ('other', 6), ('self-pay', 7)) AS k(payer, nth)
), insured AS (
    SELECT c.patient_id, q.point_on, min(k.nth) AS nth,
        bool_or(c.payer = 'medicare') AND bool_or(c.payer = 'medicaid') AS two
    FROM coverages AS c
    JOIN points AS q ON c.from_on <= q.point_on AND (c.to_on IS NULL OR c.to_on > q.point_on)
    JOIN rank_of AS k ON k.payer = c.payer
    GROUP BY c.patient_id, q.point_on
), billed AS (
    SELECT b.patient_id, q.point_on, b.payer,
        row_number() OVER (PARTITION BY b.patient_id, q.point_on ORDER BY b.service_on DESC NULLS LAST, b.payer ASC NULLS LAST, b.ent ASC NULLS LAST) AS nth
    FROM charges AS b
    JOIN points AS q ON b.service_on <= q.point_on AND b.service_on > plus_months(q.point_on, -12)
    WHERE b.payer IS NOT NULL AND NOT EXISTS (SELECT 1 FROM coverages AS c WHERE c.patient_id = b.patient_id)
)
SELECT p.patient_id, p.bucket, q.point_on, s.site, coalesce(p.pcp, c.clinician) AS pcp,
    coalesce(CASE WHEN i.two THEN 'dual' ELSE k.payer END, b.payer) AS payer
FROM patients AS p
CROSS JOIN points AS q
LEFT JOIN site AS s ON s.patient_id = p.patient_id AND s.point_on = q.point_on AND s.nth = 1
LEFT JOIN clinician AS c ON c.patient_id = p.patient_id AND c.point_on = q.point_on AND c.nth = 1
LEFT JOIN insured AS i ON i.patient_id = p.patient_id AND i.point_on = q.point_on
LEFT JOIN rank_of AS k ON k.nth = i.nth
LEFT JOIN billed AS b ON b.patient_id = p.patient_id AND b.point_on = q.point_on AND b.nth = 1
