-- One row per patient: by which channels we may and can reach them about their care on the as-of date. SMS, e-mail and
-- automated calls need a consent in force; post and a call by staff are allowed unless refused. The newest word about a
-- channel decides, whether it names the channel or all of them, and care gaps, treatment or every purpose; a withdrawal
-- wins on the same moment. Of merged records each has its own newest word, and one refusal refuses for the person.
-- A word about marketing or surveys says nothing about care.
-- needs: patients, consents
WITH channel AS (
    SELECT k.channel
    FROM (VALUES ('sms'), ('email'), ('voice'), ('mail')) AS k(channel)
), word AS (
    SELECT c.patient_id, k.channel, c.record_id, c.action,
        row_number() OVER (
            PARTITION BY c.patient_id, k.channel, c.record_id
            ORDER BY c.sort_at DESC NULLS LAST, CASE WHEN c.action = 'granted' THEN 1 ELSE 0 END ASC NULLS LAST, c.ent ASC NULLS LAST) AS nth
    FROM consents AS c
    JOIN channel AS k ON c.channel IN (k.channel, 'any')
    WHERE c.purpose IN ('care_gap', 'treatment', 'any')
), stand AS (
    SELECT w.patient_id,
        coalesce(bool_or(w.channel = 'sms' AND w.action = 'granted'), FALSE) AND NOT coalesce(bool_or(w.channel = 'sms' AND w.action = 'revoked'), FALSE) AS sms,
        coalesce(bool_or(w.channel = 'email' AND w.action = 'granted'), FALSE) AND NOT coalesce(bool_or(w.channel = 'email' AND w.action = 'revoked'), FALSE) AS email,
        coalesce(bool_or(w.channel = 'voice' AND w.action = 'granted'), FALSE) AND NOT coalesce(bool_or(w.channel = 'voice' AND w.action = 'revoked'), FALSE) AS voice,
        coalesce(bool_or(w.channel = 'voice' AND w.action = 'revoked'), FALSE) AS voice_refused,
        coalesce(bool_or(w.channel = 'mail' AND w.action = 'revoked'), FALSE) AS mail_refused
    FROM word AS w
    WHERE w.nth = 1
    GROUP BY w.patient_id
)
SELECT p.patient_id, p.bucket,
    p.has_mobile AND coalesce(s.sms, FALSE) AS can_sms,
    p.has_email AND coalesce(s.email, FALSE) AS can_email,
    p.has_phone AND coalesce(s.voice, FALSE) AS can_voice,
    p.has_address AND NOT coalesce(s.mail_refused, FALSE) AS can_mail,
    p.has_phone AND NOT coalesce(s.voice_refused, FALSE) AS can_call,
    p.has_phone OR p.has_email OR p.has_address AS has_contact,
    p.preferred_channel
FROM patients AS p
LEFT JOIN stand AS s ON s.patient_id = p.patient_id
