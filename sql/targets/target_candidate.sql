-- One row per patient and programme that asks for a contact, not yet ranked: every open gap, and overdue_visit for those
-- who were in care and had no visit for twelve months. Channels are those allowed and reachable, the one the patient chose
-- first, then SMS, e-mail, automated call, post, call by staff. not_contact says why nobody should: died, record no longer
-- in use, nothing on file to reach them by, or no channel allowed.
-- needs: run, gap, patient, reach, measure, measure_words, patients
WITH wanted AS (
    SELECT g.patient_id, g.measure AS programme, g.due_on,
        m.title || ': ' || CASE
            WHEN g.reason = 'NotFound' THEN w.evidence || ' is not on record'
            WHEN g.reason = 'DateOutOfRange' THEN w.evidence || ' is on record, too long ago'
            WHEN g.reason = 'ValueOutOfRange' THEN w.evidence || ' calls for another look'
            ELSE w.evidence || ' is on record that does not count as it stands'
        END AS why
    FROM gap AS g
    JOIN measure AS m ON m.measure = g.measure
    JOIN measure_words AS w ON w.measure = g.measure
    WHERE g.status = 'open'
    UNION ALL
    SELECT p.patient_id, 'overdue_visit', plus_months(p.last_visit_on, 12), 'no visit for twelve months or more'
    FROM patient AS p
    CROSS JOIN run AS r
    WHERE plus_months(p.last_visit_on, 12) <= r.as_of
), way AS (
    SELECT h.patient_id, h.has_contact, h.preferred_channel,
        CASE WHEN h.can_sms AND h.preferred_channel = 'sms' THEN ',sms' WHEN h.can_email AND h.preferred_channel = 'email' THEN ',email'
            WHEN h.can_voice AND h.preferred_channel = 'voice' THEN ',voice' WHEN h.can_mail AND h.preferred_channel = 'mail' THEN ',mail' ELSE '' END
        || CASE WHEN h.can_sms AND coalesce(h.preferred_channel, '') <> 'sms' THEN ',sms' ELSE '' END
        || CASE WHEN h.can_email AND coalesce(h.preferred_channel, '') <> 'email' THEN ',email' ELSE '' END
        || CASE WHEN h.can_voice AND coalesce(h.preferred_channel, '') <> 'voice' THEN ',voice' ELSE '' END
        || CASE WHEN h.can_mail AND coalesce(h.preferred_channel, '') <> 'mail' THEN ',mail' ELSE '' END
        || CASE WHEN h.can_call THEN ',call' ELSE '' END AS channels
    FROM reach AS h
)
SELECT w.patient_id, p.bucket, w.programme, w.why, w.due_on,
    CASE WHEN p.deceased OR NOT q.active THEN '' ELSE substr(y.channels, 2) END AS channels,
    CASE WHEN p.deceased THEN 'deceased' WHEN NOT q.active THEN 'record_inactive' WHEN NOT y.has_contact THEN 'no_contact_data'
        WHEN y.channels = '' THEN 'no_channel_allowed' END AS not_contact,
    p.language, p.site, p.pcp, p.next_visit_on
FROM wanted AS w
JOIN patient AS p ON p.patient_id = w.patient_id
JOIN patients AS q ON q.patient_id = w.patient_id
JOIN way AS y ON y.patient_id = w.patient_id
