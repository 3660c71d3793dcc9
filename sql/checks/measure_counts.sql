-- Measures whose parts do not add up to their denominator, or whose numerator is larger than it.
-- needs: measure_site
-- severity: error
SELECT m.measure, m.site, m.eligible, m.excluded, m.numerator, m.open, m.closed
FROM measure_site AS m
WHERE m.open + m.closed + m.excluded <> m.eligible OR m.numerator > m.eligible - m.excluded
