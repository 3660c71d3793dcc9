package fhir

import (
	"fmt"
	"strings"

	"carereach/models"
)

// form says what kind of reference a string is.
type form int

const (
	toNothing   form = iota // no reference string: only an identifier or a display text, or nothing at all
	toResource              // Type/id, absolute or relative, or found in the Bundle
	toContained             // #id
	toMissing               // urn:uuid: or urn:oid: that nothing in the Bundle has
	toQuery                 // Type?identifier=...: to be looked up by the receiver
	toElsewhere             // anything else: no FHIR resource is named
)

// resolve takes a Reference apart. Only toResource comes with a Ref. A version ("/_history/2") and the server of an
// absolute URL are dropped: a source is one world of ids.
func (d *Decoder) resolve(v value) (models.Ref, form, *models.Reject) {
	b, rej := v.bytes("reference")
	switch {
	case rej != nil:
		return models.Ref{}, toNothing, rej
	case len(b) == 0:
		return models.Ref{}, toNothing, nil
	}
	if ref, ok := d.urls[string(b)]; ok {
		if ref.ID == "" { // two entries claim that fullUrl
			return models.Ref{}, toMissing, nil
		}
		return ref, toResource, nil
	}
	ref, f := parseReference(string(b))
	return ref, f, nil
}

func parseReference(s string) (models.Ref, form) {
	switch {
	case strings.HasPrefix(s, "#"):
		return models.Ref{}, toContained
	case strings.HasPrefix(s, "urn:"):
		return models.Ref{}, toMissing
	}
	s, _, _ = strings.Cut(s, "/_history/")
	if strings.Contains(s, "?") {
		return models.Ref{}, toQuery
	}
	_, path, absolute := strings.Cut(s, "://")
	if !absolute {
		path = s
	}
	rest, id := cutLast(path)
	before, name := cutLast(rest)
	if !isTypeName(name) || !isID(id) || (before != "") != absolute || strings.HasPrefix(path, "/") {
		return models.Ref{}, toElsewhere
	}
	return models.Ref{Type: name, ID: id}, toResource
}

// cutLast parts s at its last slash; all of it is the last part when there is none.
func cutLast(s string) (before, last string) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return "", s
	}
	return s[:i], s[i+1:]
}

// isTypeName reports whether s could be the name of a resource type: a capital letter and more letters.
func isTypeName(s string) bool {
	if len(s) < 2 || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func isID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f || c == '/' || c == '#' || c == '?' || c == '|' {
			return false
		}
	}
	return true
}

// ref gives a reference that names a resource as a models.Ref, and nil for one that does not: an identifier or display
// text alone, a contained resource, a query, a fullUrl that the Bundle has not.
func (d *Decoder) ref(v value) (any, *models.Reject) {
	ref, f, rej := d.resolve(v)
	if rej != nil || f != toResource {
		return nil, rej
	}
	return ref, nil
}

// refTo gives the resource that an object's Reference member points at, when it is of one of the types.
func (d *Decoder) refTo(v value, key string, types ...string) (any, *models.Reject) {
	m, rej := v.object(key)
	if rej != nil || m.absent() {
		return nil, rej
	}
	ref, f, rej := d.resolve(m)
	if rej != nil || f != toResource {
		return nil, under(key, rej)
	}
	for _, t := range types {
		if ref.Type == t {
			return ref, nil
		}
	}
	return nil, nil
}

// subject finds the patient whom a resource is about. The error is a *models.Reject, or ErrIgnored for a subject that is
// no patient by design.
func (d *Decoder) subject(p *plan, r *resource) (models.Ref, error) {
	switch p.name {
	case "Patient":
		return models.Ref{Type: "Patient", ID: r.fact.ID}, nil
	case "Appointment":
		return d.bookedFor(r.value)
	}
	v, rej := r.object(p.subjectKey)
	switch {
	case rej != nil:
		return models.Ref{}, rej
	case v.absent():
		return models.Ref{}, missingSubject(p.subjectKey)
	}
	return d.patientRef(v, p.subjectKey)
}

// patientRef reads a Reference that must name a Patient.
func (d *Decoder) patientRef(v value, at string) (models.Ref, error) {
	ref, f, rej := d.resolve(v)
	if rej != nil {
		return models.Ref{}, under(at, rej)
	}
	claimed := ref.Type
	if f != toResource {
		if claimed, rej = v.text("type"); rej != nil {
			return models.Ref{}, under(at, rej)
		}
	}
	switch claimed {
	case "Group", "Device", "Location":
		return models.Ref{}, fmt.Errorf("the subject is no patient: %w", ErrIgnored)
	}
	const mend = "refer to the Patient resource of the same source, as Patient/<id>"
	bad := func(what string) (models.Ref, error) {
		return models.Ref{}, &models.Reject{Reason: models.ReasonBadSubject, Where: at, Detail: what, Mend: mend}
	}
	switch f {
	case toResource:
		if ref.Type != "Patient" {
			return bad("refers to a resource that is no Patient")
		}
		return ref, nil
	case toContained:
		return bad("refers to a contained resource, which has no identity outside this one")
	case toMissing:
		return bad("refers to an entry that the Bundle does not have")
	case toQuery:
		return bad("is a search, not a reference")
	case toNothing:
		if !v.member("identifier").absent() {
			return bad("has only an identifier; a patient is known by the id of the Patient resource")
		}
		if !v.member("display").absent() {
			return bad("has only a text to display")
		}
		return models.Ref{}, missingSubject(at)
	}
	return bad("refers to nothing that is a FHIR resource")
}

func missingSubject(at string) error {
	return &models.Reject{Reason: models.ReasonMissingSubject, Where: at, Detail: "does not say which patient it is about", Mend: "refer to the Patient resource as Patient/<id>"}
}

// bookedFor finds the one patient among the participants of an Appointment.
func (d *Decoder) bookedFor(v value) (models.Ref, error) {
	var found models.Ref
	var failed error
	rej := v.each("participant", func(item value) *models.Reject {
		actor, rej := item.object("actor")
		if rej != nil || actor.absent() || failed != nil {
			return rej
		}
		ref, f, rej := d.resolve(actor)
		if rej != nil {
			return under("actor", rej)
		}
		claimed, rej := actor.text("type")
		if rej != nil {
			return under("actor", rej)
		}
		if f == toResource && ref.Type != "Patient" || f != toResource && claimed != "Patient" {
			return nil
		}
		if ref, failed = d.patientRef(actor, "participant.actor"); failed == nil {
			if found.ID != "" && found != ref {
				failed = &models.Reject{Reason: models.ReasonBadSubject, Where: "participant", Detail: "names more than one patient", Mend: "send one Appointment for each patient"}
			}
			found = ref
		}
		return nil
	})
	switch {
	case rej != nil:
		return models.Ref{}, rej
	case failed != nil:
		return models.Ref{}, failed
	case found.ID == "":
		return models.Ref{}, missingSubject("participant.actor")
	}
	return found, nil
}
