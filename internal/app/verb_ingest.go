package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carereach/ingest"
	"carereach/ingest/csvmap"
	"carereach/ingest/files"
	"carereach/ingest/intake"
	"carereach/internal/access"
	"carereach/models"
)

// IngestArgs are the choices of one load. The files come beside them; none means: go on with what is in the log.
type IngestArgs struct {
	Source           models.Source `json:"source"`       // "": the configured default
	MappingName      string        `json:"mapping_name"` // name of the file that Mapping was read from
	Mapping          string        `json:"mapping"`      // text of a CSV mapping file; "": the shipped ones
	AcceptQuarantine bool          `json:"accept_quarantine"`
}

// IngestResult is what became of a load. Stored, Duplicate, Ignored and Quarantined add up to the inputs of the files.
type IngestResult struct {
	models.Outcomes
	Pending models.Outcomes       `json:"pending"` // inputs of an earlier, interrupted load that were taken first
	Files   int                   `json:"files"`
	Bytes   int64                 `json:"bytes"`
	Skipped []string              `json:"skipped"` // files left out because of their extension
	Seconds float64               `json:"seconds"`
	Reasons []ingest.ReasonStatus `json:"quarantine"` // open quarantine of the whole installation
	Types   []ingest.TypeStatus   `json:"types"`      // outcomes of the whole installation
}

func (c *Call) ingestFile(ctx context.Context, in IngestArgs) (IngestResult, error) {
	a := c.app
	res := IngestResult{Skipped: []string{}, Reasons: []ingest.ReasonStatus{}, Types: []ingest.TypeStatus{}}
	src := in.Source
	if src == "" {
		src = models.Source(a.Config.Source)
	}
	if !nameForm.MatchString(string(src)) {
		return res, &models.Error{Kind: models.KindUsage, Message: "the source name is not valid", Mend: "use lower-case letters, digits and hyphens"}
	}
	mappings, err := mappingsOf(in, a.Config.Zone)
	if err != nil {
		return res, err
	}
	if err := a.Guard.Record(ctx, c.Actor, access.Act{Action: "ingest.file", Detail: "source " + string(src)}); err != nil {
		return res, err
	}
	started := time.Now()
	drain := ingest.DrainOptions{AcceptQuarantine: in.AcceptQuarantine, Progress: func(next, end int64) {
		c.Out.Progress(Progress{Stage: "load", Done: next, Total: end, Unit: "records"})
	}}
	before, err := a.drain(ctx, drain)
	res.Pending = before.Outcomes
	if err != nil {
		return res, err
	}
	loaded, taken, err := c.readAndTake(ctx, files.Options{Source: src, Mappings: mappings, Received: a.now().UTC(), MaxLine: a.Config.Ingest.MaxValueBytes,
		Progress: func(p files.Progress) { c.Out.Progress(Progress{Stage: "read", Done: p.Bytes, Unit: "bytes"}) }}, drain)
	res.Files, res.Bytes, res.Skipped, res.Outcomes = loaded.Files, loaded.Bytes, append(res.Skipped, loaded.Skipped...), taken
	res.Seconds = time.Since(started).Seconds()
	if err != nil {
		return res, err
	}
	return res, c.afterIngest(ctx, &res)
}

// readAndTake reads the call's files into the log and takes their inputs beside it, so that both cores work; what is left
// when all files are read is taken with progress. When the taking stops, the files are read to their end all the same:
// nothing of them is lost.
func (c *Call) readAndTake(ctx context.Context, o files.Options, drain ingest.DrainOptions) (files.Loaded, models.Outcomes, error) {
	var taken models.Outcomes
	log := &signalling{log: c.app.Log, written: make(chan struct{}, 1)}
	stopped := make(chan error, 1)
	go func() {
		quiet := ingest.DrainOptions{AcceptQuarantine: drain.AcceptQuarantine}
		for range log.written {
			rep, err := c.app.drain(ctx, quiet)
			addOutcomes(&taken, rep.Outcomes)
			if err != nil {
				stopped <- err
				return
			}
		}
		stopped <- nil
	}()
	loaded, err := files.Load(ctx, log, c.Files, o)
	close(log.written)
	if stop := <-stopped; stop != nil {
		return loaded, taken, errors.Join(err, stop)
	}
	if err != nil {
		return loaded, taken, fmt.Errorf("read files: %w", err)
	}
	rep, err := c.app.drain(ctx, drain)
	addOutcomes(&taken, rep.Outcomes)
	return loaded, taken, err
}

// signalling is the intake log, telling after each append that there is something to take.
type signalling struct {
	log     *intake.Log
	written chan struct{}
}

// Append writes to the log and leaves a sign, unless one is still there.
func (s *signalling) Append(ctx context.Context, records []intake.Record) (first, next int64, err error) {
	first, next, err = s.log.Append(ctx, records)
	select {
	case s.written <- struct{}{}:
	default:
	}
	return first, next, err
}

func addOutcomes(to *models.Outcomes, more models.Outcomes) {
	for _, o := range []struct {
		what models.Outcome
		n    int64
	}{{models.Stored, more.Stored}, {models.Duplicate, more.Duplicate}, {models.Ignored, more.Ignored}, {models.Quarantined, more.Quarantined}} {
		to.Add(o.what, o.n)
	}
}

// afterIngest folds what is new and counts what is stored.
func (c *Call) afterIngest(ctx context.Context, res *IngestResult) error {
	if _, err := c.app.Pipeline.Fold(ctx); err != nil {
		return fmt.Errorf("fold: %w", err)
	}
	st, err := c.app.Ingester.Status(ctx)
	res.Reasons, res.Types = st.Reasons, st.Types
	return err
}

// mappingsOf gives the mappings of a load: the one that was named, else the shipped ones. Local times in them are the
// site's, which becomes part of each mapping, so that a replay reads them the same.
func mappingsOf(in IngestArgs, zone string) ([]*csvmap.Mapping, error) {
	all := csvmap.Shipped()
	if in.Mapping != "" {
		m, err := csvmap.Load(in.MappingName, []byte(in.Mapping))
		if err != nil {
			return nil, err
		}
		all = []*csvmap.Mapping{m}
	}
	for i, m := range all {
		here, err := m.WithZone(zone)
		if err != nil {
			return nil, err
		}
		all[i] = here
	}
	return all, nil
}

func (c *Call) ingestStatus(ctx context.Context, _ None) (ingest.Status, error) {
	return c.app.Ingester.Status(ctx)
}

// DLQArgs select quarantined inputs.
type DLQArgs struct {
	ID      int64                   `json:"id"`
	State   string                  `json:"state"`
	Reason  models.QuarantineReason `json:"reason"`
	Limit   int                     `json:"limit"`
	Offset  int                     `json:"offset"`
	Content bool                    `json:"content"` // dlq show: the bytes as well
	Purpose string                  `json:"purpose"` // needed for the bytes
}

func (a DLQArgs) filter() ingest.QuarantineFilter {
	return ingest.QuarantineFilter{ID: a.ID, State: a.State, Reason: a.Reason, Limit: a.Limit, Offset: a.Offset}
}

func (c *Call) dlqList(ctx context.Context, in DLQArgs) (ingest.QuarantineList, error) {
	return c.app.Ingester.Quarantine(ctx, in.filter())
}

// DLQShown is one quarantined input; its bytes only for a purpose.
type DLQShown struct {
	ingest.QuarantineRow
	Content string `json:"content,omitempty"`
}

func (c *Call) dlqShow(ctx context.Context, in DLQArgs) (DLQShown, error) {
	list, err := c.app.Ingester.Quarantine(ctx, ingest.QuarantineFilter{ID: in.ID, Limit: 1})
	if err != nil {
		return DLQShown{}, err
	}
	if len(list.Rows) == 0 || in.ID == 0 {
		return DLQShown{}, &models.Error{Kind: models.KindNotFound, Message: fmt.Sprintf("no quarantine row %d", in.ID), Mend: "carereach ingest dlq list shows the rows"}
	}
	out := DLQShown{QuarantineRow: list.Rows[0]}
	if !in.Content {
		return out, nil
	}
	purpose, err := access.ParsePurpose(in.Purpose)
	if err != nil {
		return out, err
	}
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "ingest.dlq.content", Purpose: purpose, Detail: fmt.Sprintf("quarantine row %d", in.ID)}); err != nil {
		return out, err
	}
	raw, err := c.app.Ingester.Content(ctx, in.ID)
	out.Content = string(raw)
	return out, err
}

func (c *Call) dlqRetry(ctx context.Context, in DLQArgs) (ingest.RetryReport, error) {
	if err := c.app.Guard.Record(ctx, c.Actor, access.Act{Action: "ingest.dlq.retry"}); err != nil {
		return ingest.RetryReport{}, err
	}
	rep, err := c.app.Ingester.Retry(ctx, in.filter())
	if err != nil || rep.Released == 0 {
		return rep, err
	}
	_, err = c.app.Pipeline.Fold(ctx)
	return rep, err
}
