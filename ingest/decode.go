package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"carereach/ingest/csvmap"
	"carereach/ingest/event"
	"carereach/ingest/fhir"
	"carereach/ingest/intake"
	"carereach/internal/ledger"
	"carereach/models"

	"golang.org/x/sync/errgroup"
)

// errIgnored is the outcome of an input that is sound but not needed.
var errIgnored = errors.New("not needed")

// decoder turns one record into inputs. It belongs to one goroutine; the mappings are shared.
type decoder struct {
	tenant   string
	keys     *ledger.Keys
	max      int // longest resource, in bytes
	fhir     *fhir.Decoder
	bundles  *fhir.Decoder // made when the first Bundle comes; its limit is that of a whole record
	events   *event.Decoder
	mappings *mappings
}

// maxBundle is the longest Bundle, whose entries each keep to the limit of one resource.
const maxBundle = 32 << 20

// mappings holds the CSV mappings that the log has defined so far, by content hash.
type mappings struct {
	mu     sync.RWMutex
	byHash map[string]*csvmap.Mapping
}

func newMappings() *mappings {
	m := &mappings{byHash: map[string]*csvmap.Mapping{}}
	for _, shipped := range csvmap.Shipped() {
		m.byHash[shipped.Hash()] = shipped
	}
	return m
}

// define takes the mapping that a record of the log holds.
func (m *mappings) define(rec *intake.Record) error {
	mapping, err := csvmap.Load(rec.Name, rec.Body)
	if err != nil {
		return fmt.Errorf("mapping at offset %d of the intake log: %w", rec.Offset, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byHash[mapping.Hash()] = mapping
	return nil
}

func (m *mappings) get(hash string) (*csvmap.Mapping, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	found, ok := m.byHash[hash]
	return found, ok
}

// decodeAll decodes records with one goroutine per decoder and keeps their order.
func decodeAll(ctx context.Context, decoders []*decoder, records []intake.Record) ([]*input, error) {
	parts := make([][]*input, len(records))
	g, ctx := errgroup.WithContext(ctx)
	chunk := (len(records) + len(decoders) - 1) / len(decoders)
	for w, d := range decoders {
		from, to := w*chunk, min((w+1)*chunk, len(records))
		g.Go(func() error {
			for i := from; i < to; i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				parts[i] = d.record(&records[i])
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all []*input
	for _, p := range parts {
		all = append(all, p...)
	}
	return all, nil
}

// record decodes one record of the log. A mapping definition gives no input.
func (d *decoder) record(rec *intake.Record) []*input {
	in := &input{record: rec, raw: rec.Body, pos: models.Position{Log: intakeLog, Offset: rec.Offset}}
	switch {
	case rec.Redacted && len(rec.Body) == 0:
		in.err = errIgnored
		d.contentKey(in)
	case rec.Reject != nil:
		in.err = rec.Reject
		d.contentKey(in)
	case rec.Format == formatMapping:
		return nil
	case rec.Format == formatFHIR:
		return d.fhirRecord(in)
	case rec.Format == formatEvent:
		return d.eventRecord(in)
	case strings.HasPrefix(rec.Format, formatCSV):
		d.csvRecord(in)
	case rec.Format == FormatOwn:
		d.ownInput(in)
	default:
		in.err = &models.Reject{Reason: models.ReasonUnknownSchema, Where: "format", Detail: "a newer version wrote this record", Mend: "upgrade, then: carereach ingest dlq retry"}
		d.contentKey(in)
	}
	return []*input{in}
}

// contentKey makes the event key of an input without an id of its own: its source and content.
func (d *decoder) contentKey(in *input) {
	in.body = d.keys.BodyHash(in.raw)
	in.event = d.keys.EventKey(d.tenant, in.record.Source, "content:"+in.body.String())
	if len(in.raw) == 0 {
		// Without content its place stands for it.
		in.event = d.keys.EventKey(d.tenant, in.record.Source, fmt.Sprintf("line:%s:%d:%d", in.record.Name, in.record.Line, in.record.Offset))
	}
}

func (d *decoder) fhirRecord(in *input) []*input {
	kind, err := fhir.Kind(in.raw)
	if err == nil && kind == "Bundle" {
		return d.bundle(in)
	}
	in.resource = kind
	d.contentKey(in)
	in.facts, in.err = d.fhir.Resource(in.raw, in.record.ReceivedAt)
	in.err = ignore(in.err)
	return []*input{in}
}

func (d *decoder) bundle(in *input) []*input {
	if d.bundles == nil {
		d.bundles = fhir.NewDecoder(fhir.Options{MaxBytes: max(maxBundle, d.max)})
	}
	entries, err := d.bundles.Bundle(in.raw, in.record.ReceivedAt)
	if err != nil {
		in.resource, in.err = "Bundle", err
		d.contentKey(in)
		return []*input{in}
	}
	if len(entries) == 0 { // a Bundle without entries brings nothing, which is an outcome too
		in.resource, in.err = "Bundle", errIgnored
		d.contentKey(in)
		return []*input{in}
	}
	out := make([]*input, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		one := &input{record: in.record, raw: e.Raw, resource: e.ResourceType, facts: e.Facts, err: ignore(e.Err), pos: in.pos}
		one.pos.Entry = int32(e.Index)
		if len(e.Raw) > d.max {
			one.facts, one.err = nil, &models.Reject{Reason: models.ReasonTooLarge, Where: "entry", Detail: fmt.Sprintf("%d bytes, the limit is %d", len(e.Raw), d.max), Mend: "raise ingest.max_value_bytes, or split it at the source"}
		}
		d.contentKey(one)
		out = append(out, one)
	}
	return out
}

func (d *decoder) eventRecord(in *input) []*input {
	ev, err := event.Parse(in.raw)
	if err != nil {
		in.resource, in.err = "event", err
		d.contentKey(in)
		return []*input{in}
	}
	in.body = d.keys.BodyHash(in.raw)
	in.event = d.keys.EventKey(d.tenant, in.record.Source, "event:"+ev.Source+"\x00"+ev.ID)
	in.facts, in.err = d.events.Facts(ev, in.record.ReceivedAt)
	in.resource = ev.Type
	if errors.Is(in.err, event.ErrFHIR) {
		in.resource, _ = fhir.Kind(ev.Data)
		if in.resource == "Bundle" {
			in.err = &models.Reject{Reason: models.ReasonBadEnvelope, Where: "data", Detail: "a Bundle in one event", Mend: "send one event per resource"}
			return []*input{in}
		}
		in.facts, in.err = d.fhir.Resource(ev.Data, in.record.ReceivedAt)
		for i := range in.facts {
			if ev.Sequence != nil {
				in.facts[i].Version = *ev.Sequence
			}
		}
	}
	in.err = ignore(in.err)
	return []*input{in}
}

func (d *decoder) csvRecord(in *input) {
	d.contentKey(in)
	mapping, ok := d.mappings.get(strings.TrimPrefix(in.record.Format, formatCSV))
	if !ok {
		in.err = &models.Reject{Reason: models.ReasonMissingMapping, Where: "file", Mend: "load the file again with --mapping"}
		return
	}
	in.resource = "csv " + mapping.Name
	in.facts, in.err = mapping.FactsJSON(in.raw, in.record.ReceivedAt)
	in.err = ignore(in.err)
}

// ignore folds the decoders' own words for "not needed" into ours.
func ignore(err error) error {
	if errors.Is(err, fhir.ErrIgnored) || errors.Is(err, csvmap.ErrIgnored) || errors.Is(err, event.ErrIgnored) {
		return errIgnored
	}
	return err
}

// mappingOf gives the hash of the mapping that a CSV row was read with.
func mappingOf(rec *intake.Record) (string, bool) {
	if rec.Redacted || rec.Reject != nil {
		return "", false
	}
	return strings.CutPrefix(rec.Format, formatCSV)
}
