-- One row per claim: for each amount the sum over its lines and payments where any of them has it, else what the claim
-- itself says, so that nothing counts twice and nothing is lost to the cent. NULL: no record of the claim has the amount.
-- needs: charges
SELECT c.patient_id, c.bucket, c.claim_ent AS ent, min(c.source) AS source, min(c.site) AS site, min(c.payer) AS payer,
    min(c.service_on) AS service_on, coalesce(min(c.submitted_on), min(c.service_on)) AS submitted_on,
    CAST(coalesce(sum(c.billed) FILTER (WHERE NOT c.own), sum(c.billed)) AS DECIMAL(18,4)) AS billed,
    CAST(coalesce(sum(c.allowed) FILTER (WHERE NOT c.own), sum(c.allowed)) AS DECIMAL(18,4)) AS allowed,
    CAST(coalesce(sum(c.paid) FILTER (WHERE NOT c.own), sum(c.paid)) AS DECIMAL(18,4)) AS paid,
    CAST(coalesce(sum(c.adjustment) FILTER (WHERE NOT c.own), sum(c.adjustment)) AS DECIMAL(18,4)) AS adjustment
FROM charges AS c
GROUP BY c.patient_id, c.bucket, c.claim_ent
