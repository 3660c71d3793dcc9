package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sort"

	"carereach/internal/access"
	"carereach/models"
)

// Call is one verb on its way: who asks, with which arguments, which files come in and where the answer goes.
type Call struct {
	app   *App
	Actor access.Actor // who asks, as the socket or the process proved it
	Files FileSource   // files the caller opened and hands over; never nil
	Out   Sink         // where progress and a file that the verb writes go; never nil
}

// FileSource hands over files one after the other. The reader of one file is spent when Next is called again. It is used by
// one goroutine.
type FileSource interface {
	// Next gives the name and content of the next file, or io.EOF.
	Next() (name string, content io.Reader, err error)
}

// Sink takes what a verb gives beside its result: progress while it works, and the bytes of at most one file (a workbook, a
// list, a backup). It is used by one goroutine at a time.
type Sink interface {
	io.Writer
	Progress(Progress)
}

// Progress is how far a long verb has come. Total is 0 when it is not known.
type Progress struct {
	Stage string `json:"stage"`
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit"` // bytes, rows, relations
}

// verb is one thing the command line can ask for. Its result is written as JSON and read back by the caller.
type verb func(ctx context.Context, c *Call, args json.RawMessage) (any, error)

// handle makes a verb of a method with typed arguments and result. Arguments that are not known are an error, so that a
// newer client is told so by an older daemon.
func handle[A, R any](fn func(*Call, context.Context, A) (R, error)) verb {
	return func(ctx context.Context, c *Call, raw json.RawMessage) (any, error) {
		var args A
		if len(raw) > 0 {
			dec := json.NewDecoder(bytes.NewReader(raw))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&args); err != nil {
				return nil, &models.Error{Kind: models.KindUsage, Message: "the arguments do not fit this verb", Mend: "use a client and a daemon of the same version", Cause: err}
			}
		}
		return fn(c, ctx, args)
	}
}

// None stands for a verb without arguments.
type None struct{}

// Do runs a verb in this process. The verb's own audit row is written before anything of a patient is read. The result may
// come with an error: what was done before it failed.
func (a *App) Do(ctx context.Context, name string, c *Call, args json.RawMessage) (json.RawMessage, error) {
	v, ok := verbs[name]
	if !ok {
		return nil, &models.Error{Kind: models.KindUsage, Message: "no verb " + name, Mend: "use a client and a daemon of the same version"}
	}
	c.app = a
	result, err := v(ctx, c, args)
	raw, merr := json.Marshal(result)
	return raw, errors.Join(err, merr)
}

// Verbs lists the names of all verbs, sorted.
func Verbs() []string {
	names := make([]string, 0, len(verbs))
	for n := range verbs {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// NoFiles is the FileSource of a verb that takes none.
type NoFiles struct{}

// Next gives io.EOF.
func (NoFiles) Next() (string, io.Reader, error) { return "", nil, io.EOF }
