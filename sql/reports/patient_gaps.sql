-- The gaps of one patient in one run, in the columns of a gap list.
SELECT patient_id, measure, measure_version, grp, status, due, due_on, closed_by, reason, evidence_ent, evidence_type, evidence_on, evidence_value,
  opened_on, closed_on, site, pcp, payer
FROM pub.gap WHERE run_id = ? AND patient_id = ? ORDER BY measure, grp
