package reports

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"carereach/internal/ledger"
	"carereach/models"
)

// The run that tests read: a clinic with two sites and 2,400 patients on 30 June 2026. All of it is made up.
const (
	sampleRun = models.RunID("5a3f0c9d1e2b48679a0b1c2d3e4f5061")
	otherRun  = models.RunID("00000000000000000000000000000001")
)

var sampleAsOf = models.NewDate(2026, time.June, 30)

// writer is the part of a store's transaction that fills tables.
type writer interface {
	Exec(ctx context.Context, query string, args ...any) (int64, error)
}

// fillSample publishes the sample run, and an older run of another day with rows that must never show.
func fillSample(t testing.TB, w writer, patients int) {
	t.Helper()
	run := func(query string, args ...any) {
		t.Helper()
		if _, err := w.Exec(t.Context(), query, args...); err != nil {
			t.Fatalf("fill sample: %v\n%s", err, query)
		}
	}
	inputs := `{"as_of":"2026-06-30","kpi":{"seq":7,"hash":"abc"},"zone":"America/New_York"}`
	run(`INSERT INTO pub.run VALUES (?, DATE '2026-06-30', DATE '2026-01-01', DATE '2026-12-31', 'America/New_York', ?, 2, TIMESTAMP '2026-07-01 06:12:00')`, string(sampleRun), inputs)
	run(`INSERT INTO pub.run VALUES (?, DATE '2026-05-31', DATE '2026-01-01', DATE '2026-12-31', 'America/New_York', '{}', 1, TIMESTAMP '2026-06-01 06:12:00')`, string(otherRun))
	run(`INSERT INTO pub.current VALUES (DATE '2026-06-30', ?, 2), (DATE '2026-05-31', ?, 1)`, string(sampleRun), string(otherRun))
	run(`INSERT INTO pub.patient BY NAME SELECT ? AS run_id, lpad(to_hex(i), 32, '0') AS patient_id, CAST(i % 256 AS SMALLINT) AS bucket, CAST(i % 90 AS INTEGER) AS age,
		i % 60 = 0 AS deceased, CASE WHEN i % 10 = 9 THEN NULL WHEN i % 3 = 0 THEN 'North' ELSE 'River' END AS site FROM range(?) AS p(i)`, string(sampleRun), patients)
	fillGaps(run, patients)
	fillCounts(run)
	fillKPIs(run)
	fillRetention(run)
	run(`INSERT INTO pub.code_coverage BY NAME SELECT ? AS run_id, 'Condition' AS resource, 'http://snomed.info/sct' AS system, 310 AS codes, 212 AS unknown_codes, 5800 AS uses, 2400 AS unknown_uses`, string(sampleRun))
	run(`INSERT INTO pub.check_result BY NAME SELECT ? AS run_id, 'undated_evidence' AS check_name, 'warning' AS severity, 4 AS rows`, string(sampleRun))
}

// sampleMeasures are the measures of the sample with the share of open gaps in percent.
var sampleMeasures = []struct {
	id, title, direction, note, source string
	supply, open                       int
}{
	{"colorectal_screening", "Colorectal cancer screening", "higher", "", "USPSTF 2021, colorectal cancer: screening, grade A and B", 900, 42},
	{"breast_screening", "Breast cancer screening", "higher", "No source ever sent a mammogram: every gap is open.", "USPSTF 2024, breast cancer: screening, grade B", 0, 100},
	{"hba1c_poor_control", "HbA1c poor control (above 9 %)", "lower", "", "ADA Standards of Care 2026, section 6", 1400, 18},
	{"bp_control", "Blood pressure control", "higher", "", "ACC/AHA 2017 guideline, section 8.1", 5200, 29},
}

func fillGaps(run func(string, ...any), patients int) {
	for i, m := range sampleMeasures {
		run(`INSERT INTO pub.gap BY NAME
			WITH p AS (SELECT i, (i * 7 + ?) % 100 < ? AS open, i % 13 = 5 AS out FROM range(?) AS r(i) WHERE i % 3 = ? % 3)
			SELECT ? AS run_id, lpad(to_hex(i), 32, '0') AS patient_id, CAST(i % 256 AS SMALLINT) AS bucket, ? AS measure, '1' AS measure_version, '1' AS grp,
			DATE '2026-01-01' AS period_start, DATE '2026-12-31' AS period_end, DATE '2026-06-30' AS as_of,
			CASE WHEN out THEN 'closed' WHEN open THEN 'open' ELSE 'closed' END AS status,
			CASE WHEN out THEN 'exclusion' WHEN open THEN NULL ELSE 'care' END AS closed_by,
			CASE WHEN open AND NOT out THEN CASE WHEN i % 2 = 0 THEN 'overdue' ELSE 'due' END ELSE 'not-yet-due' END AS due,
			DATE '2026-06-30' + CAST(i % 400 AS INTEGER) - 200 AS due_on,
			CASE WHEN open AND NOT out THEN 'NotFound' ELSE 'DateInRange' END AS reason,
			CASE WHEN open AND NOT out THEN NULL ELSE lpad(to_hex(i * 31), 32, 'e') END AS evidence_ent,
			CASE WHEN open AND NOT out THEN NULL ELSE 'Procedure' END AS evidence_type,
			CASE WHEN open AND NOT out THEN NULL ELSE DATE '2025-01-01' + CAST(i % 400 AS INTEGER) END AS evidence_on,
			CASE WHEN i % 10 = 9 THEN NULL WHEN i % 20 < 7 THEN 'North' ELSE 'River' END AS site, CASE WHEN i % 4 = 0 THEN 'medicare' ELSE 'commercial' END AS payer
			FROM p`, i*13, m.open, patients, i, string(sampleRun), m.id)
		run(`INSERT INTO pub.target BY NAME SELECT run_id, patient_id, bucket, measure AS programme, 'no record of it' AS why, CAST(row_number() OVER (ORDER BY due_on, patient_id) AS INTEGER) AS priority, due_on, site,
			CASE WHEN bucket % 5 = 0 THEN '' ELSE 'sms,mail' END AS channels, CASE WHEN bucket % 5 = 0 THEN 'no_channel_allowed' END AS not_contact, 'en' AS language
			FROM pub.gap WHERE run_id = ? AND measure = ? AND status = 'open'`, string(sampleRun), m.id)
	}
	run(`INSERT INTO pub.gap BY NAME SELECT ? AS run_id, 'ffffffffffffffffffffffffffffffff' AS patient_id, CAST(255 AS SMALLINT) AS bucket, 'bp_control' AS measure, '1' AS measure_version, '1' AS grp,
		DATE '2026-01-01' AS period_start, DATE '2026-12-31' AS period_end, DATE '2026-05-31' AS as_of, 'open' AS status`, string(otherRun))
}

// fillCounts counts the gaps by measure and site, as the pipeline does.
func fillCounts(run func(string, ...any)) {
	for _, m := range sampleMeasures {
		run(`INSERT INTO pub.measure_status BY NAME SELECT ? AS run_id, ? AS measure, ? AS title, '1' AS version, ? AS direction, 'ran' AS state, ? AS supply, ? AS supply_note, ? AS source`,
			string(sampleRun), m.id, m.title, m.direction, m.supply, m.note, m.source)
		run(`INSERT INTO pub.measure_site BY NAME
			SELECT run_id, measure, grp, CASE WHEN grouping(COALESCE(site, '(none)')) = 1 THEN '' ELSE COALESCE(site, '(none)') END AS site,
				count(*) AS eligible, count(*) FILTER (WHERE closed_by = 'exclusion') AS excluded,
				CASE WHEN ? = 'lower' THEN count(*) FILTER (WHERE status = 'open') ELSE count(*) FILTER (WHERE closed_by = 'care') END AS numerator,
				count(*) FILTER (WHERE status = 'open') AS open, count(*) FILTER (WHERE closed_by = 'care') AS closed
			FROM pub.gap WHERE run_id = ? AND measure = ?
			GROUP BY GROUPING SETS ((run_id, measure, grp), (run_id, measure, grp, COALESCE(site, '(none)')))`, m.direction, string(sampleRun), m.id)
	}
	run(`INSERT INTO pub.measure_status BY NAME SELECT ? AS run_id, 'influenza_vaccination' AS measure, 'Influenza vaccination' AS title, '1' AS version, 'higher' AS direction, 'refused' AS state,
		'value set influenza_vaccine is not loaded' AS reason, 'CDC ACIP 2025-26 season' AS source`, string(sampleRun))
}

// fillKPIs gives month, rolling and prior rows with round numbers: no-shows fall from 18 % to 14 %, retention slips.
func fillKPIs(run func(string, ...any)) {
	row := func(kpi, span, month, site, num, den string, excluded int) {
		run(`INSERT INTO pub.kpi BY NAME SELECT ? AS run_id, ? AS kpi, ? AS span, CAST(? AS DATE) AS month, ? AS site, CAST(? AS DECIMAL(20,4)) AS numerator, CAST(? AS DECIMAL(20,4)) AS denominator, ? AS excluded`,
			string(sampleRun), kpi, span, month, site, num, den, excluded)
	}
	for i := range 24 {
		month := models.NewDate(2024, time.July, 1).AddMonths(i)
		if i == 7 { // no clinic that month
			continue
		}
		den := 700 + 13*(i%5)
		row("no_show_rate", "month", month.String(), "", fmt.Sprint(den*(190-3*i+(i%4)*6)/1000), fmt.Sprint(den), 31)
		row("revenue_per_patient", "month", month.String(), "", fmt.Sprintf("%d.1250", 88000+900*i), fmt.Sprint(640+i), 0)
	}
	for _, site := range []string{"", "North", "River"} {
		row("no_show_rate", "rolling12", "2026-06-30", site, "1204", "8600", 412)
		row("no_show_rate", "prior12", "2025-06-30", site, "1467", "8150", 398)
	}
	row("retention", "rolling12", "2026-06-30", "", "1690", "2110", 22)
	row("retention", "prior12", "2025-06-30", "", "1655", "2020", 19)
	row("revenue_per_patient", "rolling12", "2026-06-30", "", "1187342.6625", "2268", 3)
	row("revenue_per_patient", "prior12", "2025-06-30", "", "1102210.5000", "2190", 2)
	row("gap_closure", "rolling12", "2026-06-30", "", "731", "1380", 44)
	row("gap_closure", "prior12", "2025-06-30", "", "612", "1295", 51)
	row("preventive_use", "rolling12", "2026-06-30", "", "1244", "2075", 160)
	row("preventive_use", "prior12", "2025-06-30", "", "1168", "2010", 155)
	row("net_collection", "rolling12", "2026-06-30", "", "1187342.6625", "1262001.1", 8)
	row("days_in_ar", "rolling12", "2026-06-30", "", "198400.25", "5120.75", 0)
	row("engagement", "rolling12", "2026-06-30", "", "0", "0", 0)
}

func fillRetention(run func(string, ...any)) {
	for c := range 30 {
		cohort := models.NewDate(2024, time.January, 1).AddMonths(c)
		for m := 0; m <= 29-c; m++ {
			patients := 60 + c%7
			run(`INSERT INTO pub.retention_cohort BY NAME SELECT ? AS run_id, CAST(? AS DATE) AS cohort, ? AS months, ? AS patients, ? AS retained`,
				string(sampleRun), cohort.String(), m, patients, patients*(100-2*m)/100)
		}
	}
	atRisk := 2400
	for m := range 49 {
		lost, censored := 0, 20
		if m >= 18 {
			lost = atRisk / 60
		}
		run(`INSERT INTO pub.retention_curve BY NAME SELECT ? AS run_id, ? AS months, ? AS at_risk, ? AS lost, ? AS censored`, string(sampleRun), m, atRisk, lost, censored)
		atRisk -= lost + censored
	}
}

// heldInputs stands in for the ledger: values in force at each state.
type heldInputs struct {
	values []ledger.KPIValue
	state  ledger.KPIState
	asked  int64
}

func (h *heldInputs) KPIValues(_ context.Context, seq int64) ([]ledger.KPIValue, error) {
	h.asked = seq
	return h.values, nil
}

func (h *heldInputs) KPIState(context.Context) (ledger.KPIState, error) { return h.state, nil }

func sampleInputs() *heldInputs {
	h := &heldInputs{state: ledger.KPIState{Seq: 7}}
	add := func(kind ledger.KPIKind, kpi, from, site, value string) {
		day, err := models.ParseDate(from)
		if err != nil {
			panic(err)
		}
		h.values = append(h.values, ledger.KPIValue{Seq: int64(len(h.values) + 1), Kind: kind, KPI: models.KPIID(kpi), From: day, Site: site, Value: value, Source: "staff log", Owner: "quality office"})
	}
	for i := range 12 {
		add(ledger.KPIImport, "staff_hours", models.NewDate(2025, time.July, 1).AddMonths(i).String(), "", fmt.Sprintf("%d.5", 118-2*i))
		add(ledger.KPIImport, "staff_hours", models.NewDate(2024, time.July, 1).AddMonths(i).String(), "", fmt.Sprint(131-i))
	}
	for _, month := range []string{"2025-09-01", "2025-12-01", "2026-03-01", "2026-06-01"} {
		add(ledger.KPIImport, "satisfaction", month, "", "41.5")
	}
	add(ledger.KPIImport, "no_show_rate", "2026-05-01", "", "0.15")
	add(ledger.KPIBaseline, "no_show_rate", "2025-01-01", "", "0.19")
	add(ledger.KPIBaseline, "satisfaction", "2025-01-01", "", "38")
	add(ledger.KPITarget, "no_show_rate", "2026-01-01", "", "0.12")
	add(ledger.KPITarget, "retention", "2026-01-01", "", "0.85")
	add(ledger.KPITarget, "satisfaction", "2026-01-01", "", "45")
	add(ledger.KPITarget, "gap_closure", "2026-01-01", "", "0.5")
	add(ledger.KPITarget, "staff_hours", "2026-01-01", "", "1000")
	add(ledger.KPITarget, "colorectal_screening", "2026-01-01", "", "0.7")
	add(ledger.KPITarget, "hba1c_poor_control", "2026-01-01", "", "0.2")
	add(ledger.KPITarget, "bp_control", "2026-01-01", "", "0.75")
	add(ledger.KPITarget, "bp_control", "2027-01-01", "", "0.99") // not in force yet
	return h
}

func sampleRequest() Request {
	through := time.Date(2026, time.July, 1, 4, 30, 0, 0, time.UTC)
	return Request{Organisation: "Riverside Clinic & Partners", Currency: "USD", ROI: DefaultROIInputs(), Provenance: Provenance{
		Build: "1.0.0 (0123456789ab)", DataThrough: &through,
		KnownTo:     []string{"intake/0 up to offset 18201"},
		Checksums:   []Named{{"gap", strings.Repeat("ab", 32)}, {"kpi", strings.Repeat("cd", 32)}},
		ValueSets:   []Named{{"edition", "2025, 1,204 codes"}, {"influenza_vaccine", "absent"}},
		Inputs:      []Count{{"stored", 17900}, {"duplicate", 220}, {"ignored", 60}, {"quarantined", 21}},
		Quarantined: []Count{{"date_invalid ", 13}, {"subject_missing", 8}},
	}}
}
