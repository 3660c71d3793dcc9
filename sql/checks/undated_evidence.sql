-- Services and results of the rules that carry no usable date: they can close no gap.
-- needs: services, observations
-- severity: warning
SELECT s.resource, s.valueset, s.ent
FROM services AS s
WHERE s.done AND s.on_lo IS NULL
UNION ALL
SELECT 'Observation', o.valueset, o.ent
FROM observations AS o
WHERE o.done AND o.on_lo IS NULL
