-- One row per patient and day of points: the site with most qualifying visits in the 24 months up to that day (the later
-- last visit wins a tie, then the name), the clinician on record, else the one with most such visits, and the payer class
-- in force on that day. Insured by Medicare and Medicaid at once is dual; of other classes at once the first of dual,
-- medicare, medicaid, commercial, military, other, self-pay is kept. A patient of whom no source ever sent a span of
-- insurance has the payer class of the newest claim with service in the twelve months up to that day.
-- NULL: nothing says it. A day outside every span of insurance has no payer.
-- What is counted is numbered first and packed into one number that sorts as wanted (visits, last day, name): the choice of
-- 2.4 million patient months is then a maximum, not a sort.
-- needs: points, patients, visits, coverages, charges
WITH person AS (
    SELECT p.patient_id, p.bucket, p.pcp, row_number() OVER (ORDER BY p.patient_id) AS n
    FROM patients AS p
), place AS (
    SELECT x.name, row_number() OVER (ORDER BY x.name DESC) AS nth
    FROM (SELECT v.site AS name FROM visits AS v UNION SELECT v.clinician FROM visits AS v) AS x
    WHERE x.name IS NOT NULL
), seen AS (
    SELECT p.n, v.visit_on, s.nth AS site, CASE WHEN p.pcp IS NULL THEN c.nth END AS clinician
    FROM visits AS v
    JOIN person AS p ON p.patient_id = v.patient_id
    LEFT JOIN place AS s ON s.name = v.site
    LEFT JOIN place AS c ON c.name = v.clinician
), point AS (
    SELECT q.point_on, plus_months(q.point_on, -24) AS after_on
    FROM points AS q
), site AS (
    SELECT c.n, c.point_on, max(((c.visits << 24) + c.last_day << 24) + c.site) & ((1 << 24) - 1) AS nth
    FROM (
        SELECT v.n, q.point_on, v.site, count(*) AS visits, days_between(DATE '1900-01-01', max(v.visit_on)) AS last_day
        FROM seen AS v
        JOIN point AS q ON v.visit_on <= q.point_on AND v.visit_on > q.after_on
        WHERE v.site IS NOT NULL
        GROUP BY v.n, q.point_on, v.site
    ) AS c
    GROUP BY c.n, c.point_on
), clinician AS (
    SELECT c.n, c.point_on, max(((c.visits << 24) + c.last_day << 24) + c.clinician) & ((1 << 24) - 1) AS nth
    FROM (
        SELECT v.n, q.point_on, v.clinician, count(*) AS visits, days_between(DATE '1900-01-01', max(v.visit_on)) AS last_day
        FROM seen AS v
        JOIN point AS q ON v.visit_on <= q.point_on AND v.visit_on > q.after_on
        WHERE v.clinician IS NOT NULL
        GROUP BY v.n, q.point_on, v.clinician
    ) AS c
    GROUP BY c.n, c.point_on
), rank_of AS (
    SELECT k.payer, k.nth
    FROM (VALUES ('dual', 1), ('medicare', 2), ('medicaid', 3), ('commercial', 4), ('military', 5), ('other', 6), ('self-pay', 7)) AS k(payer, nth)
), insured AS (
    SELECT p.n, q.point_on,
        CASE WHEN bool_or(c.payer = 'medicare') AND bool_or(c.payer = 'medicaid') THEN 1 ELSE min(k.nth) END AS nth
    FROM coverages AS c
    JOIN person AS p ON p.patient_id = c.patient_id
    JOIN point AS q ON c.from_on <= q.point_on AND (c.to_on IS NULL OR c.to_on > q.point_on)
    JOIN rank_of AS k ON k.payer = c.payer
    GROUP BY p.n, q.point_on
), billed AS (
    SELECT p.n, q.point_on, max(days_between(DATE '1900-01-01', b.service_on) * 8 + 8 - k.nth) AS packed
    FROM charges AS b
    JOIN person AS p ON p.patient_id = b.patient_id
    JOIN rank_of AS k ON k.payer = b.payer
    JOIN point AS q ON b.service_on <= q.point_on AND b.service_on > plus_months(q.point_on, -12)
    WHERE NOT EXISTS (SELECT 1 FROM coverages AS c WHERE c.patient_id = b.patient_id)
    GROUP BY p.n, q.point_on
)
SELECT p.patient_id, p.bucket, q.point_on, s.name AS site, coalesce(p.pcp, c.name) AS pcp, k.payer
FROM person AS p
CROSS JOIN point AS q
LEFT JOIN site AS sn ON sn.n = p.n AND sn.point_on = q.point_on
LEFT JOIN place AS s ON s.nth = sn.nth
LEFT JOIN clinician AS cn ON cn.n = p.n AND cn.point_on = q.point_on
LEFT JOIN place AS c ON c.nth = cn.nth
LEFT JOIN insured AS i ON i.n = p.n AND i.point_on = q.point_on
LEFT JOIN billed AS b ON b.n = p.n AND b.point_on = q.point_on
LEFT JOIN rank_of AS k ON k.nth = coalesce(i.nth, 8 - b.packed % 8)
