package fhir

import (
	"slices"
	"strings"
	"time"

	"carereach/models"
)

// retracted reports whether the resource says of itself that it was entered in error.
func retracted(r *resource) bool {
	const mistake = "entered-in-error"
	if r.get("status") == any(mistake) {
		return true
	}
	codes, _ := r.get("verification_status").([]string)
	return slices.ContainsFunc(codes, func(key string) bool { return strings.HasSuffix(key, "|"+mistake) })
}

// clockSlack is how far the clock of a source may run ahead of ours.
const clockSlack = 24 * time.Hour

// notYet lists, by type, the statuses that do not claim that something happened. A date in the future is no lie there.
var notYet = map[string][]string{
	"Observation":      {"registered", "cancelled"},
	"DiagnosticReport": {"registered", "cancelled"},
	"Procedure":        {"preparation", "not-done"},
}

// limit is the last instant that something received with r can have happened at.
func (r *resource) limit() models.Micros {
	return models.Micros(r.receivedAt.Add(clockSlack).UnixMicro())
}

// future rejects what says that it happened more than a day after it was received. Bookings, orders and periods of
// cover may lie in the future, and a retraction is taken whatever its dates are.
func future(r *resource) *models.Reject {
	if r.fact.Retracted {
		return nil
	}
	limit := r.limit()
	status, _ := r.get("status").(string)
	late := func(column, path string) *models.Reject {
		var lo models.Micros
		switch v := r.get(column).(type) {
		case models.TimeRange:
			lo = v.Lo
		case models.Interval:
			lo = v.StartLo
		default:
			return nil
		}
		if lo <= limit {
			return nil
		}
		return inFuture(path)
	}
	switch r.fact.Type {
	case "Patient":
		return firstOf(late("birth", "birthDate"), late("deceased_at", "deceasedDateTime"))
	case "Observation", "DiagnosticReport":
		if !slices.Contains(notYet[r.fact.Type], status) {
			return late("effective", "effective[x]")
		}
	case "Procedure":
		if !slices.Contains(notYet[r.fact.Type], status) {
			return late("performed", "performed[x]")
		}
	case "Immunization":
		if status == "completed" {
			return late("occurrence", "occurrenceDateTime")
		}
	case "Condition":
		return firstOf(late("onset", "onset[x]"), late("recorded", "recordedDate"))
	case "Encounter":
		return futureVisit(r, status, limit, late)
	}
	return nil
}

// futureVisit: a visit that is going on has begun, a finished one has ended as well.
func futureVisit(r *resource, status string, limit models.Micros, late func(column, path string) *models.Reject) *models.Reject {
	switch status {
	case "arrived", "triaged", "in-progress", "onleave":
		return late("period", "period.start")
	case "finished":
		if iv, ok := r.get("period").(models.Interval); ok && iv.EndLo != models.MaxMicros && iv.EndLo > limit {
			return inFuture("period.end")
		}
		return late("period", "period.start")
	}
	return nil
}

func inFuture(path string) *models.Reject {
	return &models.Reject{Reason: models.ReasonFutureTime, Where: path, Detail: "says it happened more than a day after it was received",
		Mend: "correct the date or the clock of the source, or send it when it has happened"}
}

func firstOf(rejects ...*models.Reject) *models.Reject {
	for _, r := range rejects {
		if r != nil {
			return r
		}
	}
	return nil
}
