-- One row per visit or stay that had begun by the as-of date: class as an ActCode (older words for the classes are folded
-- into theirs), first and last day in the site's zone. start_on is NULL when the day is not known; end_on is NULL while
-- it lasts or when the source does not say.
-- needs: run, cutoff, people, sites, clinicians
WITH stay AS (
    SELECT e.pid, e.status, class_of(e.class) AS class, e.organization, e.location, e.practitioner,
        local_day(e.period_sl, e.period_off, r.zone) AS start_lo,
        CASE WHEN e.period_sh <> e.period_sl AND e.period_sh < TIMESTAMP '9999-12-31' THEN local_day(e.period_sh, e.period_off, r.zone) END AS start_hi,
        CASE WHEN e.period_eh < TIMESTAMP '9999-12-31' THEN local_day(e.period_eh, e.period_off, r.zone) END AS end_on,
        e.period_sh = e.period_sl AS exact
    FROM cur_encounter AS e
    CROSS JOIN run AS r
    CROSS JOIN cutoff AS u
    WHERE e.period_sl > TIMESTAMP '0001-01-02' AND e.period_sl < CASE WHEN e.period_off IS NULL THEN u.date_end ELSE u.instant_end END
)
SELECT
    s.patient_id,
    s.bucket,
    e.status,
    e.class,
    CASE WHEN e.exact OR e.start_lo = e.start_hi THEN e.start_lo END AS start_on,
    e.end_on,
    coalesce(o.label, l.label) AS site,
    c.label AS clinician
FROM stay AS e
JOIN people AS s ON s.pid = e.pid
LEFT JOIN sites AS o ON o.ent = e.organization
LEFT JOIN sites AS l ON l.ent = e.location
LEFT JOIN clinicians AS c ON c.ent = e.practitioner
