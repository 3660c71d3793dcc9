-- The versions of {{.Name}} that were known then. The view hides the table of the same name from the statements that
-- fold, so that past and present are folded by the same text.
CREATE VIEW {{.Version}} AS
SELECT v.*
FROM {{.Main}}.main.{{.Version}} AS v
JOIN known_to AS n ON n.log = v.log AND n.part = v.part AND v.off < n.next_offset
