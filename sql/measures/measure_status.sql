-- One row per measure: what it is called, the recommendation it follows, and how many resources of the whole population
-- could be evidence at all. With none the rate says that no source ever sent one: open gaps then tell of missing data,
-- not of missing care. The note also names the published value sets that the site has not loaded, whose codes the rule cannot
-- see. State and reason are the runner's: a measure is refused when no code is known for one of its sets.
-- needs: measure, measure_words, supply
-- publishes: measure_status
WITH evidence AS (
    SELECT k.measure, k.valueset
    FROM (VALUES
        ('bp_control', 'bp_systolic'),
        ('breast_screening', 'mammography'),
        ('colorectal_screening', 'colonoscopy'),
        ('colorectal_screening', 'sigmoidoscopy'),
        ('colorectal_screening', 'ct_colonography'),
        ('colorectal_screening', 'fit_dna'),
        ('colorectal_screening', 'fobt'),
        ('hba1c_poor_control', 'hba1c'),
        ('influenza_vaccination', 'influenza_vaccine')
    ) AS k(measure, valueset)
), counted AS (
    SELECT e.measure, coalesce(sum(s.resources), 0) AS supply
    FROM evidence AS e
    LEFT JOIN supply AS s ON s.valueset = e.valueset
    GROUP BY e.measure
)
SELECT
    CAST(m.measure AS VARCHAR) AS measure,
    CAST(m.title AS VARCHAR) AS title,
    CAST(m.version AS VARCHAR) AS version,
    CAST(m.direction AS VARCHAR) AS direction,
    CAST(m.state AS VARCHAR) AS state,
    CAST(m.reason AS VARCHAR) AS reason,
    CAST(c.supply AS BIGINT) AS supply,
    CAST(CASE
        WHEN c.supply = 0 AND m.unloaded IS NOT NULL THEN 'no source ever sent ' || w.evidence || '; only starter codes are known, value sets not loaded: ' || m.unloaded
        WHEN c.supply = 0 THEN 'no source ever sent ' || w.evidence
        WHEN m.unloaded IS NOT NULL THEN 'only starter codes are known, value sets not loaded: ' || m.unloaded
    END AS VARCHAR) AS supply_note,
    CAST(w.source AS VARCHAR) AS source
FROM measure AS m
JOIN measure_words AS w ON w.measure = m.measure
JOIN counted AS c ON c.measure = m.measure
