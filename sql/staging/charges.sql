-- One row per billed record that counts: a whole claim, one line of it, or one payment, all under the key of their claim.
-- own says that the record is the claim itself. Cancelled, draft and erroneous records and mere estimates are left out,
-- and everything of a claim that was cancelled as a whole; so are services after the as-of date.
-- service_on is the first day of service; paid_on the day of payment, else of the payer's decision, else of service.
-- needs: run, people, sites
WITH record AS (
    SELECT c.*, coalesce(c.claim, c.ent) AS key, c.claim IS NULL OR c.claim = c.ent AS own,
        coalesce(c.status, 'active') IN ('cancelled', 'draft', 'entered-in-error') OR coalesce(c.use, 'claim') <> 'claim' AS void
    FROM cur_claim AS c
), dated AS MATERIALIZED (
    SELECT c.*,
        bool_or(c.own AND c.void) OVER (PARTITION BY c.key) AS claim_void,
        CASE WHEN c.service_period_sl > TIMESTAMP '0001-01-02' THEN local_day(c.service_period_sl, c.service_period_off, r.zone) END AS service_on,
        local_day(c.submitted_lo, c.submitted_off, r.zone) AS submitted_on,
        coalesce(local_day(c.paid_on_lo, c.paid_on_off, r.zone), local_day(c.adjudicated_lo, c.adjudicated_off, r.zone)) AS settled_on,
        r.as_of
    FROM record AS c
    CROSS JOIN run AS r
)
SELECT s.patient_id, s.bucket, d.source, key_text(d.key) AS claim_ent, key_text(d.ent) AS ent, d.own,
    coalesce(o.label, v.label) AS site, d.payer, d.service_on, d.submitted_on, coalesce(d.settled_on, d.service_on) AS paid_on,
    d.billed, d.allowed, d.paid, d.adjustment
FROM dated AS d
JOIN people AS s ON s.pid = d.pid
LEFT JOIN cur_encounter AS e ON e.ent = d.encounter
LEFT JOIN sites AS o ON o.ent = d.organization
LEFT JOIN sites AS v ON v.ent = e.organization
WHERE NOT d.void AND NOT d.claim_void AND d.service_on <= d.as_of
