-- Open quarantine by reason and resource type.
SELECT reason, resource, count(*) AS n FROM quarantine WHERE state = 'open' GROUP BY reason, resource ORDER BY n DESC, reason, resource
