-- One row per billed record with a paid amount that counts: of a claim whose lines or payments carry paid amounts, those;
-- else the claim itself. Their sum is that of claims.
-- needs: charges
WITH kind AS (
    SELECT c.claim_ent, bool_or(NOT c.own) AS has_lines
    FROM charges AS c
    WHERE c.paid IS NOT NULL
    GROUP BY c.claim_ent
)
SELECT c.patient_id, c.bucket, c.claim_ent, c.ent, c.paid_on, c.paid
FROM charges AS c
JOIN kind AS k ON k.claim_ent = c.claim_ent
WHERE c.paid IS NOT NULL AND (NOT c.own OR NOT k.has_lines)
