-- One row per clinician, or role of a clinician, that facts may point at: the name by which lists show them.
-- needs: run
SELECT p.ent, coalesce(nullif(trim(p.label), ''), 'unnamed ' || substr(key_text(p.ent), 1, 8)) AS label
FROM cur_practitioner AS p
UNION ALL
SELECT r.ent, coalesce(nullif(trim(p.label), ''), 'unnamed ' || substr(key_text(p.ent), 1, 8)) AS label
FROM cur_practitioner_role AS r
JOIN cur_practitioner AS p ON p.ent = r.practitioner
