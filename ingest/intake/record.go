package intake

import (
	"time"

	"carereach/models"
)

// The formats of a record's body.
const (
	FormatFHIR    = "fhir+json"        // one FHIR R4 resource or Bundle
	FormatEvent   = "cloudevents+json" // one CloudEvent in structured mode
	FormatCSV     = "csv:"             // followed by the mapping's hash: one row as csvmap.EncodeRow wrote it
	FormatMapping = "mapping"          // the text of a mapping file that later rows refer to; no input, gets no outcome
	FormatFile    = "file"             // no content could be told apart; always with a Reject
)

// MaxBody is the longest body that a record may have.
const MaxBody = 64 << 20

// Record is one thing that came in.
type Record struct {
	Offset     int64          // given by Append
	Source     models.Source  // the configured source it came from
	Format     string         // one of the formats above
	Name       string         // base name of the file it came from; may name a person, so it is sealed as bodies are
	Line       int64          // line of that file where it starts, from 1; 0: not known
	ReceivedAt time.Time      // when we first held it, UTC
	Reject     *models.Reject // found while the file was read; a replay gives the same outcome
	Body       []byte
	Redacted   bool // by Redact: Body is what was kept, of a Bundle the entries of others; empty when all was about one person
}

// Batch is what one Fetch gives: records with contiguous offsets, and the offset to go on from.
type Batch struct {
	Records []Record
	Next    int64
}
