-- The patient spine row of one patient in one run.
SELECT age, sex, race, ethnicity, language, county, zip3, site, pcp, payer, last_visit_on, next_visit_on, deceased, can_sms, can_email, can_voice, can_mail, can_call
FROM pub.patient WHERE run_id = ? AND patient_id = ?
