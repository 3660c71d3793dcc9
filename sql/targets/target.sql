-- One row per patient and programme: whom to reach, why and how, or why not. Within a programme the longest overdue comes
-- first and what is due later after it; of two due on the same day the order of the tokens decides, which is that of
-- chance and the same every time.
-- needs: run, target_candidate
-- publishes: target
SELECT
    CAST(t.patient_id AS VARCHAR) AS patient_id,
    CAST(t.bucket AS SMALLINT) AS bucket,
    CAST(t.programme AS VARCHAR) AS programme,
    CAST(t.why AS VARCHAR) AS why,
    CAST(row_number() OVER (
        PARTITION BY t.programme
        ORDER BY CASE WHEN t.not_contact IS NULL THEN 0 ELSE 1 END ASC NULLS LAST, t.due_on ASC NULLS LAST, t.patient_id ASC NULLS LAST) AS INTEGER) AS priority,
    CAST(t.due_on AS DATE) AS due_on,
    CAST(t.channels AS VARCHAR) AS channels,
    CAST(t.not_contact AS VARCHAR) AS not_contact,
    CAST(t.language AS VARCHAR) AS language,
    CAST(t.site AS VARCHAR) AS site,
    CAST(t.pcp AS VARCHAR) AS pcp,
    CAST(t.next_visit_on AS DATE) AS next_visit_on
FROM target_candidate AS t
