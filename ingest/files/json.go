package files

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"carereach/ingest/fhir"
	"carereach/ingest/intake"
	"carereach/models"
)

// json reads a file of JSON values: one a line, one over many lines, or arrays of them.
func (l *loader) json(in *bufio.Reader) error {
	s := newSplitter(in)
	for {
		v, err := s.next()
		if err == io.EOF { //nolint:errorlint // next gives io.EOF unwrapped
			return nil
		}
		if err != nil {
			return l.unreadable(err, v.line, v.body)
		}
		if err := l.add(l.record(v)); err != nil {
			return err
		}
	}
}

// record makes the record of one value.
func (l *loader) record(v value) intake.Record {
	r := intake.Record{Format: intake.FormatFile, Line: v.line, Body: v.body}
	switch {
	case v.size > int64(len(v.body)):
		r.Reject = tooLarge(v.size, intake.MaxBody)
		r.Reject.Detail += fmt.Sprintf("; only its first %d MiB are kept", intake.MaxBody>>20)
		return r
	case v.wrong != "":
		r.Reject = &models.Reject{Reason: models.ReasonBadJSON, Where: "value", Detail: v.wrong, Mend: "mend it at the source and send it again"}
		return r
	}
	name, err := fhir.Kind(v.body)
	switch {
	case err != nil:
		r.Reject = rejectOf(err)
	case name != "":
		r.Format = intake.FormatFHIR
	case bytes.Contains(v.body, []byte(`"specversion"`)):
		r.Format = intake.FormatEvent
	default:
		r.Reject = &models.Reject{Reason: models.ReasonUnknownSchema, Where: "value", Detail: "neither a FHIR resource (resourceType) nor a CloudEvent (specversion)",
			Mend: "send FHIR R4 JSON or CloudEvents 1.0 JSON"}
	}
	if r.Reject == nil && len(v.body) > l.o.MaxLine && name != "Bundle" {
		r.Reject = tooLarge(v.size, l.o.MaxLine)
	}
	return r
}

func tooLarge(size int64, limit int) *models.Reject {
	return &models.Reject{Reason: models.ReasonTooLarge, Where: "value", Detail: fmt.Sprintf("%d bytes, the limit is %d", size, limit),
		Mend: "leave documents and images out of the export, or raise ingest.max_value_bytes and load the file again"}
}

// rejectOf gives the reject that a decoder gave as its error.
func rejectOf(err error) *models.Reject {
	if r, ok := err.(*models.Reject); ok { //nolint:errorlint // decoders give rejects unwrapped
		return r
	}
	return &models.Reject{Reason: models.ReasonBadJSON, Where: "value", Detail: "cannot be read", Mend: "mend it at the source and send it again"}
}
