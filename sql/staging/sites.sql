-- One row per organisation or place that facts may point at: the name by which lists show the site. One without a name
-- is shown by the first digits of its key, so that two of them stay apart.
-- needs: run
SELECT o.ent, coalesce(nullif(trim(o.label), ''), 'unnamed ' || substr(key_text(o.ent), 1, 8)) AS label
FROM cur_organization AS o
UNION ALL
SELECT l.ent, coalesce(nullif(trim(l.label), ''), nullif(trim(o.label), ''), 'unnamed ' || substr(key_text(l.ent), 1, 8)) AS label
FROM cur_location AS l
LEFT JOIN cur_organization AS o ON o.ent = l.organization
