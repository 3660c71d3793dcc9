-- The named functions that relations call instead of an engine's own, so that the same text means the same everywhere.
-- All take and give DATE unless said otherwise; NULL in gives NULL out unless said otherwise. Their properties are proven
-- in pipeline/cases_functions_test.go. One statement a line: the runner defines them one by one.

-- Completed years of someone born on birth, on day d. Someone born on 29 February completes a year on the 28th in other years.
CREATE OR REPLACE MACRO age_on(birth, d) AS CAST(year(d) - year(birth) - CASE WHEN CAST(birth + to_years(CAST(year(d) - year(birth) AS INTEGER)) AS DATE) > d THEN 1 ELSE 0 END AS INTEGER);
-- The same day n years, months or days later; clipped to the last day of the month reached.
CREATE OR REPLACE MACRO plus_years(d, n) AS CAST(d + to_years(CAST(n AS INTEGER)) AS DATE);
CREATE OR REPLACE MACRO plus_months(d, n) AS CAST(d + to_months(CAST(n AS INTEGER)) AS DATE);
CREATE OR REPLACE MACRO plus_days(d, n) AS CAST(d + to_days(CAST(n AS INTEGER)) AS DATE);
-- Whole days from a to b, negative when b lies before a.
CREATE OR REPLACE MACRO days_between(a, b) AS CAST(date_diff('day', CAST(a AS DATE), CAST(b AS DATE)) AS INTEGER);
-- Completed months from a to b, for a not after b.
CREATE OR REPLACE MACRO months_full(a, b) AS CAST((year(b) - year(a)) * 12 + month(b) - month(a) - CASE WHEN day(b) < day(a) THEN 1 ELSE 0 END AS INTEGER);
-- First day of d's month.
CREATE OR REPLACE MACRO month_start(d) AS CAST(date_trunc('month', CAST(d AS DATE)) AS DATE);
-- 1 = Monday ... 7 = Sunday.
CREATE OR REPLACE MACRO weekday_iso(d) AS CAST(isodow(d) AS INTEGER);
-- a / b as DOUBLE; NULL when b is 0 or NULL.
CREATE OR REPLACE MACRO share(a, b) AS CAST(a AS DOUBLE) / nullif(CAST(b AS DOUBLE), 0);
-- The later and the earlier of two days; a day that is NULL does not count, both NULL give NULL.
CREATE OR REPLACE MACRO later_day(a, b) AS CASE WHEN a IS NULL OR b > a THEN b ELSE a END;
CREATE OR REPLACE MACRO earlier_day(a, b) AS CASE WHEN a IS NULL OR b < a THEN b ELSE a END;
-- Whether day d lies in the span from from_on (included) to to_on (not included; NULL: without end). FALSE, never NULL, for
-- a span without a beginning: what is not known to have begun holds no day.
CREATE OR REPLACE MACRO in_span(from_on, to_on, d) AS coalesce(from_on <= d AND (to_on IS NULL OR to_on > d), FALSE);
-- First day of the influenza season that holds d: the last 1 July not after d.
CREATE OR REPLACE MACRO season_start(d) AS CAST(date_trunc('month', CAST(d AS DATE)) - to_months(CAST((month(d) + 5) % 12 AS INTEGER)) AS DATE);
-- Staging only. Calendar day, in the site's zone, of an instant ts kept in UTC; off NULL means that the source gave a date
-- without a clock time, which is a day of the calendar wherever one stands.
CREATE OR REPLACE MACRO local_day(ts, off, zone) AS CASE WHEN off IS NULL THEN CAST(ts AS DATE) ELSE CAST(timezone(zone, timezone('UTC', ts)) AS DATE) END;
-- Staging only. A keyed hash as text: 32 hex digits.
CREATE OR REPLACE MACRO key_text(u) AS replace(CAST(u AS VARCHAR), '-', '');
-- Staging only. The code of a 'system|code' key.
CREATE OR REPLACE MACRO code_of(c) AS CASE WHEN instr(c, '|') > 0 THEN substr(c, instr(c, '|') + 1) ELSE c END;
-- Staging only. Class of a visit as an ActCode, from the words that older feeds use for the classes too.
CREATE OR REPLACE MACRO class_of(c) AS CASE WHEN lower(code_of(c)) IN ('amb', 'ambulatory', 'outpatient', 'wellness', 'urgentcare') THEN 'AMB' WHEN lower(code_of(c)) IN ('vr', 'virtual') THEN 'VR' WHEN lower(code_of(c)) IN ('hh', 'home') THEN 'HH' WHEN lower(code_of(c)) IN ('emer', 'emergency') THEN 'EMER' WHEN lower(code_of(c)) IN ('imp', 'inpatient') THEN 'IMP' ELSE upper(code_of(c)) END;
