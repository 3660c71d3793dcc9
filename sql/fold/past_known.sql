-- What was known at a past moment: $1, $2 and $3 list log, partition and next offset in step, as JSON arrays.
CREATE TABLE known_to AS
SELECT
    unnest(from_json($1, '["VARCHAR"]')) AS log,
    unnest(from_json($2, '["INTEGER"]')) AS part,
    unnest(from_json($3, '["BIGINT"]')) AS next_offset
