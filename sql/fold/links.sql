-- One row per patient whose newest statement says that it is merged, and into whom; NULL when no Patient of that one has
-- arrived. The newest statement about a patient wins, whichever record made it; a retracted one was never made.
WITH winner AS (
    SELECT l.* FROM ver_person_link AS l
    QUALIFY row_number() OVER (
        PARTITION BY l.ent
        ORDER BY l.version DESC, l.known_at DESC, l.log DESC, l.part DESC, l.off DESC, l.entry DESC, l.k DESC) = 1
),
said AS (
    SELECT w.pid, w.survivor, w.linked FROM winner AS w
    WHERE NOT w.retracted AND w.pid IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY w.pid
        ORDER BY w.version DESC, w.known_at DESC, w.log DESC, w.part DESC, w.off DESC, w.entry DESC, w.ent DESC) = 1
)
SELECT s.pid, min(p.pid) AS survivor
FROM said AS s
LEFT JOIN ver_patient AS p ON p.ent = s.survivor
WHERE s.linked
GROUP BY s.pid
