package models

import "errors"

// Kind says what a caller can do about an error. It decides the exit code of the command line and, later, the HTTP status.
type Kind string

// The kinds of error. Anything without a Kind counts as KindInternal.
const (
	KindInternal   Kind = "internal"    // a fault of ours or of the machine
	KindUsage      Kind = "usage"       // the command or request was malformed
	KindConfig     Kind = "config"      // carereach.yaml, a key file or a mapping file is wrong
	KindNotFound   Kind = "not_found"   // no such thing, or not yours to see
	KindRefused    Kind = "refused"     // policy says no: rights, consent, purpose, suppression
	KindPartial    Kind = "partial"     // some of the work was done; the message says which part was not
	KindUnavail    Kind = "unavailable" // a daemon, store or disk cannot be used at the moment
	KindQuality    Kind = "quality"     // data quality is below the bar
	KindInvalid    Kind = "invalid"     // input data is malformed; a quarantine reason goes with it
	KindCorruption Kind = "corruption"  // a stored row, chain or segment fails its integrity check
)

// Error is an error with a Kind that survives wrapping. Message says what was wrong and where; Mend says how to put it
// right, in words for an operator. Neither holds names, numbers, message text or diagnoses.
type Error struct {
	Kind    Kind
	Message string
	Mend    string
	Cause   error
}

func (e *Error) Error() string {
	s := e.Message
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	if e.Mend != "" {
		s += "; " + e.Mend
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf finds the Kind of the first *Error in err's chain; KindInternal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}
