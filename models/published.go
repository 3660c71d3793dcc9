package models

// PublishedTable is one table that a run publishes. Reports, pages and lists read these and nothing else.
type PublishedTable struct {
	Name    string
	Doc     string // what a row means
	Columns []Column
}

// Published lists the tables of schema pub. Every table starts with run_id; rows of a published run never change.
// Checksums leave out run_id.
var Published = []PublishedTable{
	{"patient", "One row per patient in the run: the patient spine on the as-of date.", []Column{
		{"patient_id", "VARCHAR", "patient token"},
		{"bucket", "SMALLINT", "first byte of the token"},
		{"age", "INTEGER", "completed years on as_of; NULL when the birth date is not known to the year"},
		{"sex", "VARCHAR", "administrative gender code"},
		{"race", "VARCHAR", "OMB category code, NULL unknown"},
		{"ethnicity", "VARCHAR", "OMB category code, NULL unknown"},
		{"language", "VARCHAR", "preferred language, NULL unknown"},
		{"county", "VARCHAR", "county of residence"},
		{"zip3", "VARCHAR", "first three digits of the ZIP code"},
		{"site", "VARCHAR", "attributed site on as_of (label), NULL none"},
		{"pcp", "VARCHAR", "attributed clinician on as_of (label), NULL none"},
		{"payer", "VARCHAR", "payer class in the month of as_of, NULL unknown"},
		{"last_visit_on", "DATE", "last qualifying visit up to as_of"},
		{"next_visit_on", "DATE", "next booked appointment after as_of"},
		{"deceased", "BOOLEAN", "died on or before as_of"},
		{"can_sms", "BOOLEAN", "mobile number on file and a consent for SMS in force"},
		{"can_email", "BOOLEAN", "e-mail on file and a consent for e-mail in force"},
		{"can_voice", "BOOLEAN", "telephone on file and a consent for voice in force"},
		{"can_mail", "BOOLEAN", "street address on file and post not refused"},
		{"can_call", "BOOLEAN", "telephone on file and calls not refused: staff may call"},
	}},
	{"patient_month", "One row per patient and month of the last 24: attributed clinician, site and payer.", []Column{
		{"patient_id", "VARCHAR", "patient token"},
		{"month", "DATE", "first day of the month"},
		{"site", "VARCHAR", "site with most qualifying visits in the 24 months up to the month's end, latest wins a tie"},
		{"pcp", "VARCHAR", "clinician on record, else with most such visits"},
		{"payer", "VARCHAR", "payer class in force on the last day of the month"},
	}},
	{"gap", "One row per patient and measure group in whose denominator the patient is, excluded ones among them. To everybody else the measure does not apply: no row.", []Column{
		{"patient_id", "VARCHAR", "patient token"},
		{"bucket", "SMALLINT", "first byte of the token"},
		{"measure", "VARCHAR", "measure id"},
		{"measure_version", "VARCHAR", "version of the rule"},
		{"grp", "VARCHAR", "group inside the measure; 1 for our own rules"},
		{"period_start", "DATE", "measurement period"},
		{"period_end", "DATE", "measurement period"},
		{"as_of", "DATE", "day on which the status is judged"},
		{"status", "VARCHAR", "open, closed, not-applicable"},
		{"due", "VARCHAR", "overdue, due, not-yet-due"},
		{"due_on", "DATE", "day by which care is due; for a closed gap when it comes up again"},
		{"closed_by", "VARCHAR", "care, exclusion, exception; NULL when open"},
		{"reason", "VARCHAR", "DEQM reason code"},
		{"evidence_ent", "VARCHAR", "resource that decided: the closing one, else the latest that fell short"},
		{"evidence_type", "VARCHAR", "its resource type"},
		{"evidence_on", "DATE", "its date"},
		{"evidence_value", "VARCHAR", "its value as shown, with unit"},
		{"opened_on", "DATE", "day the gap last opened, as far as the facts tell"},
		{"closed_on", "DATE", "day it was closed; NULL when open"},
		{"site", "VARCHAR", "attributed site"},
		{"pcp", "VARCHAR", "attributed clinician"},
		{"payer", "VARCHAR", "payer class"},
	}},
	{"measure_site", "One row per measure group and site; site '' is all.", []Column{
		{"measure", "VARCHAR", "measure id"},
		{"grp", "VARCHAR", "group"},
		{"site", "VARCHAR", "attributed site; '' all, '(none)' not attributed"},
		{"eligible", "BIGINT", "patients in the denominator before exclusions"},
		{"excluded", "BIGINT", "exclusions and exceptions"},
		{"numerator", "BIGINT", "patients meeting the numerator"},
		{"open", "BIGINT", "open gaps"},
		{"closed", "BIGINT", "gaps closed by care"},
	}},
	{"measure_status", "One row per measure: whether it ran and what its evidence rests on.", []Column{
		{"measure", "VARCHAR", "measure id"},
		{"title", "VARCHAR", "name as shown"},
		{"version", "VARCHAR", "version of the rule"},
		{"direction", "VARCHAR", "higher or lower is better"},
		{"state", "VARCHAR", "ran or refused"},
		{"reason", "VARCHAR", "why refused: the value sets that are absent"},
		{"supply", "BIGINT", "resources of the whole population, any date, that could count as evidence"},
		{"supply_note", "VARCHAR", "said beside the rate: no source ever sent one, or which published value sets are not loaded"},
		{"source", "VARCHAR", "public recommendation the rule follows"},
	}},
	{"target", "One row per patient and programme: whom to reach, why and how, or why not.", []Column{
		{"patient_id", "VARCHAR", "patient token"},
		{"bucket", "SMALLINT", "first byte of the token"},
		{"programme", "VARCHAR", "programme: the measure, or overdue_visit"},
		{"why", "VARCHAR", "reason in words without clinical values"},
		{"priority", "INTEGER", "1 first; overdue before due, longest overdue first"},
		{"due_on", "DATE", "day by which care is due"},
		{"channels", "VARCHAR", "channels allowed and reachable, in order, joined by comma; '' none"},
		{"not_contact", "VARCHAR", "recorded reason not to contact; NULL when the patient may be contacted"},
		{"language", "VARCHAR", "preferred language"},
		{"site", "VARCHAR", "attributed site"},
		{"pcp", "VARCHAR", "attributed clinician"},
		{"next_visit_on", "DATE", "next booked appointment: the chance to close it there"},
	}},
	{"kpi", "One row per KPI, span, month and site that the events can give.", []Column{
		{"kpi", "VARCHAR", "KPI id of the registry"},
		{"span", "VARCHAR", "month, rolling12 or prior12"},
		{"month", "DATE", "first day of the month; for the rolling spans the day they end"},
		{"site", "VARCHAR", "site; '' all"},
		{"numerator", "DECIMAL(20,4)", "see the definition"},
		{"denominator", "DECIMAL(20,4)", "see the definition; NULL or 0: no data"},
		{"excluded", "BIGINT", "rows excluded by the definition"},
	}},
	{"retention_cohort", "One row per month of first visit and months since.", []Column{
		{"cohort", "DATE", "first day of the month of the first completed visit"},
		{"months", "INTEGER", "months since"},
		{"patients", "BIGINT", "patients of the cohort alive"},
		{"retained", "BIGINT", "of those, with a completed visit in that month or later up to as_of"},
	}},
	{"retention_curve", "Kaplan-Meier of staying in care: one row per month since the first visit.", []Column{
		{"months", "INTEGER", "months since the first visit"},
		{"at_risk", "BIGINT", "patients followed so long"},
		{"lost", "BIGINT", "lost in that month: 18 months unseen"},
		{"censored", "BIGINT", "died, or followed no longer"},
	}},
	{"code_coverage", "One row per code system and resource type: codes that no loaded value set knows.", []Column{
		{"resource", "VARCHAR", "resource type"},
		{"system", "VARCHAR", "code system"},
		{"codes", "BIGINT", "distinct codes seen"},
		{"unknown_codes", "BIGINT", "of those, in no value set that is loaded"},
		{"uses", "BIGINT", "uses"},
		{"unknown_uses", "BIGINT", "uses of unknown codes"},
	}},
	{"check_result", "One row per check that found something; empty when the data are clean.", []Column{
		{"check_name", "VARCHAR", "relation under sql/checks"},
		{"severity", "VARCHAR", "error stops publication, warning is shown"},
		{"rows", "BIGINT", "offending rows"},
	}},
}

// PublishedByName finds a published table.
func PublishedByName(name string) (PublishedTable, bool) {
	for _, t := range Published {
		if t.Name == name {
			return t, true
		}
	}
	return PublishedTable{}, false
}
