package app

import (
	"carereach/ingest"
	"carereach/internal/ledger"
	"carereach/models"
	"carereach/reports"
)

// What a stage or a store gives as it is, by the names that callers of verbs know it by.
type (
	IngestStatus   = ingest.Status         // answer of ingest.status
	ReasonStatus   = ingest.ReasonStatus   // open quarantine of one reason and type
	Quarantine     = ingest.QuarantineList // answer of ingest.dlq.list
	Retried        = ingest.RetryReport    // answer of ingest.dlq.retry
	IdentifierKind = ledger.IdentifierKind // by which a patient is found
	AuditRow       = ledger.AuditRow       // one row of the audit trail
	Standing       = ledger.ConsentStanding
	Number         = reports.Number
	Gap            = reports.Gap
	GapPage        = reports.List[reports.Gap]    // answer of gaps.list
	TargetPage     = reports.List[reports.Target] // answer of targets.list
	Profile        = reports.Profile              // what a run says about a patient
	Happening      = reports.Happening
	KPI            = reports.KPIValue       // one KPI with everything it is shown with
	Measure        = reports.MeasureSummary // one measure with its counts
)

// Show writes a value for people, rounded the way every surface rounds it: "14.3 %", "$1,412.50".
func Show(unit models.Unit, currency string, n Number) string {
	return reports.Format(unit, currency, n)
}

// ShowChange writes a difference with its sign; rates in percentage points, "-2.9 pp".
func ShowChange(unit models.Unit, currency string, n Number) string {
	return reports.FormatChange(unit, currency, n)
}
