package models

// GapStatus is the state of a care gap on a run's as-of date.
type GapStatus string

// A gap is open (care is due or its evidence is missing), closed, or not applicable (the patient is outside the measure's
// denominator). Polarity comes from the measure: for poor control the numerator opens the gap.
const (
	GapOpen          GapStatus = "open"
	GapClosed        GapStatus = "closed"
	GapNotApplicable GapStatus = "not-applicable"
)

// ClosedBy says what closed a gap.
type ClosedBy string

// Care was given, or the patient is excluded or an exception applies.
const (
	ClosedByCare      ClosedBy = "care"
	ClosedByExclusion ClosedBy = "exclusion"
	ClosedByException ClosedBy = "exception"
)

// DueStatus says how urgent an open gap is on the as-of date, and a closed one when it comes up again.
type DueStatus string

// Overdue: the due date has passed. Due: due by a date inside the period. NotYetDue: later.
const (
	Overdue   DueStatus = "overdue"
	DueByDate DueStatus = "due"
	NotYetDue DueStatus = "not-yet-due"
)

// GapReason says why a gap is open or what closed it, in the ten codes of the DEQM guide (Da Vinci gaps in care).
type GapReason string

// The reason codes.
const (
	ReasonNotFound         GapReason = "NotFound"         // no such record at all
	ReasonMissing          GapReason = "Missing"          // record there, the element asked for is not
	ReasonPresent          GapReason = "Present"          // something that must not be there is
	ReasonInvalidAttribute GapReason = "InvalidAttribute" // wrong status or code
	ReasonDateInRange      GapReason = "DateInRange"
	ReasonDateOutOfRange   GapReason = "DateOutOfRange"
	ReasonValueInRange     GapReason = "ValueInRange"
	ReasonValueOutOfRange  GapReason = "ValueOutOfRange"
	ReasonCountInRange     GapReason = "CountInRange"
	ReasonCountOutOfRange  GapReason = "CountOutOfRange"
)
