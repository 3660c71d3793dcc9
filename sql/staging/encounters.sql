-- One row per visit or stay that had begun by the as-of date: class as an ActCode (older words for the classes are folded
-- into theirs), first and last day in the site's zone. start_on is NULL when the day is not known; end_on is NULL while
-- it lasts or when the source does not say.
-- needs: run, people, sites, clinicians
WITH stay AS (
    SELECT e.*,
        CASE WHEN e.period_sl > TIMESTAMP '0001-01-02' THEN local_day(e.period_sl, e.period_off, r.zone) END AS start_lo,
        CASE WHEN e.period_sh < TIMESTAMP '9999-12-31' THEN local_day(e.period_sh, e.period_off, r.zone) END AS start_hi,
        CASE WHEN e.period_eh < TIMESTAMP '9999-12-31' THEN local_day(e.period_eh, e.period_off, r.zone) END AS last_on,
        lower(code_of(e.class)) AS word,
        r.as_of
    FROM cur_encounter AS e
    CROSS JOIN run AS r
)
SELECT
    s.patient_id,
    s.bucket,
    key_text(e.ent) AS ent,
    e.status,
    CASE
        WHEN e.word IN ('amb', 'ambulatory', 'outpatient', 'wellness', 'urgentcare') THEN 'AMB'
        WHEN e.word IN ('vr', 'virtual') THEN 'VR'
        WHEN e.word IN ('hh', 'home') THEN 'HH'
        WHEN e.word IN ('emer', 'emergency') THEN 'EMER'
        WHEN e.word IN ('imp', 'inpatient') THEN 'IMP'
        ELSE upper(e.word)
    END AS class,
    CASE WHEN e.start_lo = e.start_hi THEN e.start_lo END AS start_on,
    e.last_on AS end_on,
    coalesce(o.label, l.label) AS site,
    c.label AS clinician
FROM stay AS e
JOIN people AS s ON s.pid = e.pid
LEFT JOIN sites AS o ON o.ent = e.organization
LEFT JOIN sites AS l ON l.ent = e.location
LEFT JOIN clinicians AS c ON c.ent = e.practitioner
WHERE e.start_lo <= e.as_of
