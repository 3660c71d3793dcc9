package reports

import (
	"context"
	"database/sql"
	"iter"

	"carereach/models"
)

// TargetFilter chooses targets. An empty field chooses all.
type TargetFilter struct {
	Programme string `json:"programme,omitempty"`
	Site      string `json:"site,omitempty"`    // SiteNone is those without a site
	Contact   string `json:"contact,omitempty"` // ContactYes or ContactNo
	Page
}

// Targets may be contacted, or have a recorded reason why not.
const (
	ContactYes = "yes"
	ContactNo  = "no"
)

// Words writes the filter for people, as it is printed on lists; "all targets" when nothing is filtered.
func (f TargetFilter) Words() string {
	return words("all targets", [2]string{"programme", f.Programme}, [2]string{"site", f.Site}, [2]string{"may be contacted", f.Contact})
}

func (f TargetFilter) args(run Run) []any {
	return []any{string(run.ID), f.Programme, f.Site, f.Contact}
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

// Targets lists the targets of a run in a fixed order: programme, priority, due date, patient.
func Targets(ctx context.Context, q Querier, run Run, f TargetFilter) (List[Target], error) {
	return page(ctx, q, run, "targets", "reports/target_count.sql", f.args(run), EachTarget(ctx, q, run, f))
}

// EachTarget streams the same rows without holding them, as EachGap does.
func EachTarget(ctx context.Context, q Querier, run Run, f TargetFilter) iter.Seq2[Target, error] {
	limit, offset, err := f.Page.args()
	if err != nil {
		return failed[Target](err)
	}
	if f.Contact != "" && f.Contact != ContactYes && f.Contact != ContactNo {
		return failed[Target](&models.Error{Kind: models.KindUsage, Message: "unknown contact filter", Mend: "use yes or no"})
	}
	return each(ctx, q, "targets", "reports/targets.sql", append(f.args(run), limit, offset), scanTarget)
}

func scanTarget(rows *sql.Rows) (Target, error) {
	var t Target
	var why, channels, not, language, site, pcp sql.NullString
	var priority sql.NullInt64
	var dueOn, next sql.NullTime
	err := rows.Scan(&t.Patient, &t.Programme, &why, &priority, &dueOn, &channels, &not, &language, &site, &pcp, &next)
	t.Why, t.Priority, t.Channels, t.NotContact, t.Language, t.Site, t.PCP = why.String, priority.Int64, channels.String, not.String, language.String, site.String, pcp.String
	t.DueOn, t.NextVisitOn = dateOf(dueOn), dateOf(next)
	return t, err
}

// TargetColumns are the columns of a target list in CSV and workbook; TargetCells gives the cells.
func TargetColumns() []ListColumn {
	return []ListColumn{
		{"patient", "Patient", ColumnText, 34}, {"programme", "Programme", ColumnText, 26}, {"why", "Why", ColumnText, 40}, {"priority", "Priority", ColumnInt, 9},
		{"due_on", "Due on", ColumnDate, 12}, {"channels", "Channels", ColumnText, 22}, {"not_contact", "Do not contact because", ColumnText, 28},
		{"language", "Language", ColumnText, 10}, {"site", "Site", ColumnText, 24}, {"pcp", "Clinician", ColumnText, 24}, {"next_visit_on", "Next visit on", ColumnDate, 13},
	}
}

// TargetCells turns targets into rows of TargetColumns.
func TargetCells(rows iter.Seq2[Target, error]) iter.Seq2[[]any, error] {
	return cells(rows, func(t Target) []any {
		return []any{t.Patient, t.Programme, text(t.Why), t.Priority, day(t.DueOn), text(t.Channels), text(t.NotContact), text(t.Language),
			text(t.Site), text(t.PCP), day(t.NextVisitOn)}
	})
}
