package reports

import (
	"context"
	"database/sql"
	"iter"
	"slices"
	"strings"

	"carereach/models"
)

// GapFilter chooses gaps. An empty field chooses all.
type GapFilter struct {
	Measure models.MeasureID `json:"measure,omitempty"`
	Status  models.GapStatus `json:"status,omitempty"`
	Due     models.DueStatus `json:"due,omitempty"`
	Site    string           `json:"site,omitempty"`  // SiteNone is those without a site
	Payer   string           `json:"payer,omitempty"` // "(none)" is those without a payer
	Page
}

// Words writes the filter for people, as it is printed on lists; "all gaps" when nothing is filtered.
func (f GapFilter) Words() string {
	return words("all gaps", [2]string{"measure", string(f.Measure)}, [2]string{"status", string(f.Status)}, [2]string{"due", string(f.Due)}, [2]string{"site", f.Site}, [2]string{"payer", f.Payer})
}

func (f GapFilter) args(run Run) []any {
	return []any{string(run.ID), string(f.Measure), string(f.Status), string(f.Due), f.Site, f.Payer}
}

// check refuses words that no gap can have: a misspelt filter must not look like an empty list.
func (f GapFilter) check() error {
	if !slices.Contains([]models.GapStatus{"", models.GapOpen, models.GapClosed, models.GapNotApplicable}, f.Status) {
		return &models.Error{Kind: models.KindUsage, Message: "unknown gap status", Mend: "use open, closed or not-applicable"}
	}
	if !slices.Contains([]models.DueStatus{"", models.Overdue, models.DueByDate, models.NotYetDue}, f.Due) {
		return &models.Error{Kind: models.KindUsage, Message: "unknown due status", Mend: "use overdue, due or not-yet-due"}
	}
	return nil
}

// Gap is one row of pub.gap. Dates that are not known are nil, texts empty.
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
	Evidence       string       `json:"evidence,omitempty"` // the resource's ent
	EvidenceType   string       `json:"evidence_type,omitempty"`
	EvidenceOn     *models.Date `json:"evidence_on"`
	EvidenceValue  string       `json:"evidence_value,omitempty"`
	OpenedOn       *models.Date `json:"opened_on"`
	ClosedOn       *models.Date `json:"closed_on"`
	Site           string       `json:"site,omitempty"`
	PCP            string       `json:"pcp,omitempty"`
	Payer          string       `json:"payer,omitempty"`
}

// Gaps lists the gaps of a run in a fixed order: measure, group, open before closed, overdue first, due date, patient.
// A filter word that no gap can have is an error of models.KindUsage.
func Gaps(ctx context.Context, q Querier, run Run, f GapFilter) (List[Gap], error) {
	return page(ctx, q, run, "gaps", "reports/gap_count.sql", f.args(run), EachGap(ctx, q, run, f))
}

// EachGap streams the same rows without holding them, for lists of any length. The sequence ends after the first error;
// it can be ranged over once at a time, inside the transaction of q.
func EachGap(ctx context.Context, q Querier, run Run, f GapFilter) iter.Seq2[Gap, error] {
	limit, offset, err := f.Page.args()
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return failed[Gap](err)
	}
	return each(ctx, q, "gaps", "reports/gaps.sql", append(f.args(run), limit, offset), scanGap)
}

func scanGap(rows *sql.Rows) (Gap, error) {
	var g Gap
	var due, closedBy, reason, ent, typ, value, site, pcp, payer sql.NullString
	var dueOn, evidenceOn, openedOn, closedOn sql.NullTime
	err := rows.Scan(&g.Patient, &g.Measure, &g.MeasureVersion, &g.Group, &g.Status, &due, &dueOn, &closedBy, &reason,
		&ent, &typ, &evidenceOn, &value, &openedOn, &closedOn, &site, &pcp, &payer)
	g.Due, g.ClosedBy, g.Reason, g.Evidence, g.EvidenceType, g.EvidenceValue = due.String, closedBy.String, reason.String, ent.String, typ.String, value.String
	g.Site, g.PCP, g.Payer = site.String, pcp.String, payer.String
	g.DueOn, g.EvidenceOn, g.OpenedOn, g.ClosedOn = dateOf(dueOn), dateOf(evidenceOn), dateOf(openedOn), dateOf(closedOn)
	return g, err
}

// GapColumns are the columns of a gap list in CSV and workbook, what a person acts on first; GapCells gives the cells.
func GapColumns() []ListColumn {
	return []ListColumn{
		{"patient", "Patient", ColumnText, 35}, {"measure", "Measure", ColumnText, 25}, {"status", "Status", ColumnText, 14}, {"due", "Due", ColumnText, 12},
		{"due_on", "Due on", ColumnDate, 12}, {"reason", "Reason", ColumnText, 17}, {"site", "Site", ColumnText, 24}, {"pcp", "Clinician", ColumnText, 24},
		{"payer", "Payer", ColumnText, 12}, {"evidence_type", "Evidence type", ColumnText, 18}, {"evidence_on", "Evidence on", ColumnDate, 13},
		{"evidence_value", "Evidence value", ColumnText, 16}, {"closed_by", "Closed by", ColumnText, 11}, {"closed_on", "Closed on", ColumnDate, 12},
		{"opened_on", "Opened on", ColumnDate, 12}, {"measure_version", "Version", ColumnText, 9}, {"group", "Group", ColumnText, 8}, {"evidence", "Evidence", ColumnText, 35},
	}
}

// GapCells turns gaps into rows of GapColumns.
func GapCells(rows iter.Seq2[Gap, error]) iter.Seq2[[]any, error] {
	return cells(rows, func(g Gap) []any {
		return []any{g.Patient, g.Measure, g.Status, text(g.Due), day(g.DueOn), text(g.Reason), text(g.Site), text(g.PCP), text(g.Payer),
			text(g.EvidenceType), day(g.EvidenceOn), text(g.EvidenceValue), text(g.ClosedBy), day(g.ClosedOn), day(g.OpenedOn),
			text(g.MeasureVersion), text(g.Group), text(g.Evidence)}
	})
}

// words joins the filters that are set, "measure colorectal_screening, status open".
func words(none string, filters ...[2]string) string {
	var out []string
	for _, f := range filters {
		if f[1] != "" {
			out = append(out, f[0]+" "+f[1])
		}
	}
	if len(out) == 0 {
		return none
	}
	return strings.Join(out, ", ")
}
