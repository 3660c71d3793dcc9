-- Inputs by source, resource type and outcome, over everything committed.
SELECT source, resource, CAST(sum(stored) AS BIGINT) AS stored, CAST(sum(duplicate) AS BIGINT) AS duplicate, CAST(sum(ignored) AS BIGINT) AS ignored,
  CAST(sum(quarantined) AS BIGINT) AS quarantined
FROM tally GROUP BY source, resource ORDER BY source, resource
