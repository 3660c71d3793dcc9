-- Living patients of run $1, and patients who may be contacted in at least one programme.
SELECT
    (SELECT count(*) FROM pub.patient WHERE run_id = $1 AND NOT COALESCE(deceased, false)),
    (SELECT count(DISTINCT patient_id) FROM pub.target WHERE run_id = $1 AND not_contact IS NULL)
