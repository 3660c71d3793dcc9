package reports

import (
	"context"
	"iter"

	"carereach/models"
)

// List is one page of a list, with the number of rows there are in all.
type List[T any] struct {
	Run   models.RunID `json:"run"`
	Total int64        `json:"total"` // rows that fit the filter
	Shown int64        `json:"shown"` // rows given
	Rows  []T          `json:"rows"`
}

// LeftOut is the number of rows that fit the filter and are not shown.
func (l List[T]) LeftOut() int64 { return l.Total - l.Shown }

// Page cuts a list: at most Limit rows after the first Offset ones. Limit 0 is all.
type Page struct {
	Limit  int64 `json:"limit,omitempty"`
	Offset int64 `json:"offset,omitempty"`
}

// GapFilter chooses gaps. An empty field chooses all.
type GapFilter struct {
	Measure models.MeasureID `json:"measure,omitempty"`
	Status  models.GapStatus `json:"status,omitempty"`
	Due     models.DueStatus `json:"due,omitempty"`
	Site    string           `json:"site,omitempty"` // "(none)" is those without a site
	Payer   string           `json:"payer,omitempty"`
	Page
}

// Gap is one row of pub.gap. Optional dates are nil, optional texts empty.
type Gap struct {
	Patient        string       `json:"patient"`
	Measure        string       `json:"measure"`
	MeasureVersion string       `json:"measure_version"`
	Group          string       `json:"group"`
	Status         string       `json:"status"`
	Due            string       `json:"due,omitempty"`
	DueOn          *models.Date `json:"due_on"`
	ClosedBy       string       `json:"closed_by,omitempty"`
	Reason         string       `json:"reason,omitempty"`
	EvidenceEnt    string       `json:"evidence,omitempty"`
	EvidenceType   string       `json:"evidence_type,omitempty"`
	EvidenceOn     *models.Date `json:"evidence_on"`
	EvidenceValue  string       `json:"evidence_value,omitempty"`
	OpenedOn       *models.Date `json:"opened_on"`
	ClosedOn       *models.Date `json:"closed_on"`
	Site           string       `json:"site,omitempty"`
	PCP            string       `json:"pcp,omitempty"`
	Payer          string       `json:"payer,omitempty"`
}

// Target is one row of pub.target: whom to reach, why and how, or why not.
type Target struct {
	Patient     string       `json:"patient"`
	Programme   string       `json:"programme"`
	Why         string       `json:"why"`
	Priority    int64        `json:"priority"`
	DueOn       *models.Date `json:"due_on"`
	Channels    string       `json:"channels"`
	NotContact  string       `json:"not_contact,omitempty"`
	Language    string       `json:"language,omitempty"`
	Site        string       `json:"site,omitempty"`
	PCP         string       `json:"pcp,omitempty"`
	NextVisitOn *models.Date `json:"next_visit_on"`
}

// TargetFilter chooses targets. An empty field chooses all.
type TargetFilter struct {
	Programme string `json:"programme,omitempty"`
	Site      string `json:"site,omitempty"`    // "(none)" is those without a site
	Contact   string `json:"contact,omitempty"` // "yes": may be contacted; "no": recorded reason not to
	Page
}

// Gaps lists the gaps of a run in a fixed order: measure, group, open before closed, overdue first, patient.
func Gaps(ctx context.Context, q Querier, run Run, f GapFilter) (List[Gap], error) {
	return List[Gap]{}, nil
}

// EachGap streams the same rows without holding them. The sequence ends after the first error.
func EachGap(ctx context.Context, q Querier, run Run, f GapFilter) iter.Seq2[Gap, error] { return nil }

// Targets lists the targets of a run in a fixed order: programme, priority, due date, patient.
func Targets(ctx context.Context, q Querier, run Run, f TargetFilter) (List[Target], error) {
	return List[Target]{}, nil
}

// EachTarget streams the same rows without holding them. The sequence ends after the first error.
func EachTarget(ctx context.Context, q Querier, run Run, f TargetFilter) iter.Seq2[Target, error] {
	return nil
}
