-- Facts of which two versions are current at once: one resource of one source has one winning version.
-- needs: version_count
-- severity: error
SELECT v.fact, v.ent, v.versions
FROM version_count AS v
