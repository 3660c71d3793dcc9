package fhir

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"carereach/models"
)

// Entry is one entry of a Bundle with its outcome: it counts as one input. Exactly one of Facts and Err is set.
type Entry struct {
	Index        int           // place in Bundle.entry, from 0
	ResourceType string        // as far as it could be read; "" when it could not
	Facts        []models.Fact // as from Resource
	Err          error         // as from Resource
	Raw          []byte        // the entry's bytes inside the record, not copied; references to other entries need the whole record
}

// Bundle splits a Bundle of any type into its entries, in order. References to a fullUrl of the same Bundle (urn:uuid:,
// urn:oid: or absolute) are resolved to type and id, an entry whose resource has no id takes it from its fullUrl, else
// from its request.url, and request.method DELETE is a retraction.
//
// A retraction by DELETE has no values and, unless it deletes a Patient, no subject: nothing in it says whose the
// resource was. Its version is the etag of the entry's response, else its lastModified, else the Bundle's timestamp or
// meta.lastUpdated, else 0.
//
// A broken entry is rejected alone. The error, always a *models.Reject, stands for the whole record: not JSON (cut short,
// say), too large, or no Bundle. A Bundle without entries gives none and no error. A request to read and a response
// without a resource are ErrIgnored.
func (d *Decoder) Bundle(raw []byte, receivedAt time.Time) ([]Entry, error) {
	v, rej := d.parse(raw, true)
	if rej != nil {
		return nil, rej
	}
	name, rej := resourceType(v)
	if rej != nil {
		return nil, rej
	}
	if name != "Bundle" {
		return nil, badValue("resourceType", "a Bundle")
	}
	items, rej := v.list("entry")
	if rej != nil {
		return nil, rej
	}
	d.urls = fullURLs(items)
	defer func() { d.urls = nil }()
	entries := make([]Entry, len(items))
	for i, item := range items {
		at := d.scan.entries[i]
		e := Entry{Index: i, Raw: raw[at[0]:at[1]]}
		e.ResourceType, e.Facts, e.Err = d.entry(v, item, receivedAt)
		entries[i] = e
	}
	return entries, nil
}

// fullURLs maps the fullUrl of every entry to its resource. A fullUrl that stands for two resources maps to the zero Ref.
func fullURLs(items []value) map[string]models.Ref {
	urls := make(map[string]models.Ref, len(items))
	for _, item := range items {
		if item.absent() || item.Type() != fastjson.TypeObject {
			continue
		}
		url, rej := item.text("fullUrl")
		res := item.member("resource")
		if rej != nil || url == "" || res.absent() {
			continue
		}
		name, rej := resourceType(res)
		if rej != nil {
			continue
		}
		ref := models.Ref{Type: name}
		if ref.ID, rej = id(res, fallbackID(item)); rej != nil {
			continue
		}
		if other, ok := urls[url]; ok && other != ref {
			ref = models.Ref{}
		}
		urls[url] = ref
	}
	return urls
}

// fallbackID gives the id that an entry's fullUrl, else its request.url, has for a resource without one; "" for none.
func fallbackID(item value) string {
	url, rej := item.text("fullUrl")
	if rej != nil {
		return ""
	}
	for _, scheme := range [...]string{"urn:uuid:", "urn:oid:"} {
		if id, ok := strings.CutPrefix(url, scheme); ok {
			return id
		}
	}
	if ref, f := parseReference(url); f == toResource {
		return ref.ID
	}
	request, rej := item.object("request")
	if rej != nil {
		return ""
	}
	url, _ = request.text("url")
	ref, _ := parseReference(url)
	return ref.ID
}

// entry decodes one entry of the Bundle v.
func (d *Decoder) entry(v, item value, receivedAt time.Time) (string, []models.Fact, error) {
	if item.absent() || item.Type() != fastjson.TypeObject {
		return "", nil, badValue("entry", "an object")
	}
	request, rej := item.object("request")
	if rej != nil {
		return "", nil, rej
	}
	method, rej := request.text("method")
	if rej != nil {
		return "", nil, under("request", rej)
	}
	switch method {
	case "DELETE":
		return d.deletion(v, item, request)
	case "PATCH":
		return "", nil, &models.Reject{Reason: models.ReasonBadValue, Where: "request.method", Detail: "a change in part cannot be applied", Mend: "send the whole resource"}
	}
	res, rej := item.object("resource")
	if rej != nil {
		return "", nil, rej
	}
	if res.absent() {
		if method == "GET" || method == "HEAD" || method == "" && !item.member("response").absent() {
			return "", nil, fmt.Errorf("the entry carries no resource: %w", ErrIgnored)
		}
		return "", nil, badValue("resource", "a resource")
	}
	name, rej := resourceType(res)
	if rej != nil {
		return "", nil, under("resource", rej)
	}
	facts, err := d.decode(name, res, fallbackID(item), receivedAt)
	if reject := (*models.Reject)(nil); errors.As(err, &reject) {
		err = under("resource", reject)
	}
	return name, facts, err
}

// deletion makes the retraction that a DELETE request stands for.
func (d *Decoder) deletion(v, item, request value) (string, []models.Fact, error) {
	url, rej := request.text("url")
	if rej != nil {
		return "", nil, under("request", rej)
	}
	ref, f := parseReference(url)
	if f != toResource {
		name, _, _ := strings.Cut(url, "?")
		if !isTypeName(name) {
			name = ""
		}
		return name, nil, badValue("request.url", "the resource to delete, as Type/id")
	}
	p := d.plans[ref.Type]
	if p == nil {
		return ref.Type, nil, ErrIgnored
	}
	fact := models.Fact{Type: p.name, ID: ref.ID, Retracted: true, Values: make([]any, p.width)}
	if ref.Type == "Patient" {
		fact.Subject = ref
	}
	if fact.Version, rej = deletedVersion(v, item); rej != nil {
		return ref.Type, nil, rej
	}
	return ref.Type, []models.Fact{fact}, nil
}

func deletedVersion(v, item value) (int64, *models.Reject) {
	response, rej := item.object("response")
	if rej != nil {
		return 0, rej
	}
	etag, rej := response.text("etag")
	if rej != nil {
		return 0, under("response", rej)
	}
	if n, ok := versionNumber(strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)); ok {
		return n, nil
	}
	at, rej := response.time("lastModified")
	if rej != nil {
		return 0, under("response", rej)
	}
	if at == nil {
		if at, rej = v.time("timestamp"); rej != nil {
			return 0, rej
		}
	}
	if at != nil {
		return int64(at.Lo), nil
	}
	meta, rej := v.object("meta")
	if rej != nil {
		return 0, rej
	}
	if at, rej = meta.time("lastUpdated"); rej != nil || at == nil {
		return 0, under("meta", rej)
	}
	return int64(at.Lo), nil
}
