-- One row per current fact and value set that holds one of its codes: the one look at all codes. Facts of which no value
-- set knows a code can be no evidence for a rule and stay in the store; code_coverage counts them.
-- needs: run, valueset
SELECT DISTINCT c.rt AS resource, c.k, v.valueset
FROM codes AS c
JOIN valueset AS v ON v.code = c.code
