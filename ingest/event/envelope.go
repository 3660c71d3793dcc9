package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"carereach/models"
)

// MaxBytes is the size limit of one event. A larger one is too_large.
const MaxBytes = 4 << 20

// Event is one CloudEvent. Optional attributes that were absent or null are empty or nil.
type Event struct {
	ID, Source, Type, Subject, DataSchema, DataContentType string

	Time          *models.TimeRange // when it happened, as the producer says
	TenantID      string            // extension tenantid
	Sequence      *int64            // extension sequence: version of the entity, compared inside one source
	RecordedTime  *models.TimeRange // extension recordedtime: when the producer wrote it down
	PartitionKey  string            // extension partitionkey
	CorrelationID string            // extension correlationid
	CausationID   string            // extension causationid
	Data          []byte            // JSON text, or the bytes of a text or base64 value; nil when there is no data
}

// Parse reads one event in structured JSON mode. What is wrong comes back as *models.Reject: bad_json when it is no JSON
// object, too_large above MaxBytes, bad_envelope with the attribute in Where otherwise. Event.Data may share memory with raw.
func Parse(raw []byte) (Event, error) {
	if r := checkObject(raw, "event"); r != nil {
		return Event{}, r
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return Event{}, badJSON("event", "not JSON, or cut short")
	}
	var ev Event
	attrs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value := members[name]
		if name == "data" || name == "data_base64" {
			continue
		}
		text, present, err := attribute(name, value)
		if err != nil {
			return Event{}, err
		}
		if present {
			attrs[name] = text
		}
	}
	if err := ev.take(attrs); err != nil {
		return Event{}, err
	}
	var err error
	if ev.Data, err = structuredData(members["data"], members["data_base64"], ev.DataContentType); err != nil {
		return Event{}, err
	}
	return ev, nil
}

// checkObject says whether raw may be a JSON object at all; what names it in the message.
func checkObject(raw []byte, what string) *models.Reject {
	if len(raw) > MaxBytes {
		return tooLarge(what)
	}
	switch trimmed := bytes.TrimLeft(raw, " \t\r\n"); {
	case len(trimmed) == 0:
		return badJSON(what, "empty")
	case !utf8.Valid(raw):
		return badJSON(what, "not UTF-8")
	case trimmed[0] == '[':
		return badJSON(what, "a list where one object is expected")
	case trimmed[0] != '{':
		return badJSON(what, "not a JSON object")
	}
	return nil
}

func badJSON(what, detail string) *models.Reject {
	return &models.Reject{Reason: models.ReasonBadJSON, Where: what, Detail: detail, Mend: "send one JSON object in UTF-8"}
}

func tooLarge(what string) *models.Reject {
	return &models.Reject{Reason: models.ReasonTooLarge, Where: what, Detail: "over " + strconv.Itoa(MaxBytes>>20) + " MiB", Mend: "send large documents elsewhere and the facts here"}
}

func badEnvelope(attribute, detail, mend string) *models.Reject {
	return &models.Reject{Reason: models.ReasonBadEnvelope, Where: attribute, Detail: detail, Mend: mend}
}

// attribute reads one context attribute as text. Attributes have flat values: text, whole number or true/false; null
// means absent.
func attribute(name string, raw json.RawMessage) (text string, present bool, err error) {
	if !goodName(name) {
		return "", false, badName(name)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return "", false, badEnvelope(name, "unreadable value", "send a text, whole number, true or false")
	}
	switch v := v.(type) {
	case nil:
		return "", false, nil
	case string:
		return v, true, nil
	case bool, json.Number:
		if coreAttribute(name) {
			return "", false, badEnvelope(name, "not a text", "put it in quotation marks")
		}
		if b, ok := v.(bool); ok {
			return strconv.FormatBool(b), true, nil
		}
		n := v.(json.Number).String()
		if _, err := strconv.ParseInt(n, 10, 64); err != nil {
			return "", false, badEnvelope(name, "a number that is not whole", "send whole numbers, or a text")
		}
		return n, true, nil
	}
	return "", false, badEnvelope(name, "an object or list", "attributes have flat values; put structure into data")
}

func coreAttribute(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "dataschema", "datacontenttype", "time":
		return true
	}
	return false
}

// goodName says whether name is one that CloudEvents allows: lower-case letters and digits.
func goodName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// badName names the attribute unless it is long or strange: a producer's mistake may have put anything there.
func badName(name string) error {
	shown := name
	if len(name) > 32 || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		shown = "extension"
	}
	return badEnvelope(shown, "attribute names have lower-case letters and digits only", "rename the attribute")
}

// take sets the attributes and checks each.
func (ev *Event) take(attrs map[string]string) error {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if attrs[name] == "" {
			return badEnvelope(name, "missing or empty", "CloudEvents 1.0 requires specversion, id, source and type")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		value := attrs[name]
		if value == "" {
			return badEnvelope(name, "empty", "leave the attribute out when there is no value")
		}
		if strings.ContainsFunc(value, isControl) || !utf8.ValidString(value) {
			return badEnvelope(name, "control characters or broken UTF-8", "send printable text")
		}
	}
	if attrs["specversion"] != "1.0" {
		return badEnvelope("specversion", "not 1.0", "send CloudEvents 1.0")
	}
	ev.ID, ev.Source, ev.Type, ev.Subject = attrs["id"], attrs["source"], attrs["type"], attrs["subject"]
	ev.DataSchema, ev.DataContentType = attrs["dataschema"], attrs["datacontenttype"]
	ev.TenantID, ev.PartitionKey = attrs["tenantid"], attrs["partitionkey"]
	ev.CorrelationID, ev.CausationID = attrs["correlationid"], attrs["causationid"]
	return ev.check(attrs)
}

// check reads the attributes that have a form of their own.
func (ev *Event) check(attrs map[string]string) error {
	if _, err := url.Parse(ev.Source); err != nil || strings.ContainsRune(ev.Source, ' ') {
		return badEnvelope("source", "not a URI reference", "name the sending system by a URI such as urn:example:scheduling")
	}
	if u, err := url.Parse(ev.DataSchema); ev.DataSchema != "" && (err != nil || !u.IsAbs()) {
		return badEnvelope("dataschema", "not an absolute URI", "leave it out or name the schema with its version")
	}
	if ev.DataContentType != "" {
		if _, _, err := mime.ParseMediaType(ev.DataContentType); err != nil {
			return badEnvelope("datacontenttype", "not a media type", "send application/json or application/fhir+json")
		}
	}
	var err error
	if ev.Time, err = attributeTime(attrs, "time"); err != nil {
		return err
	}
	if ev.RecordedTime, err = attributeTime(attrs, "recordedtime"); err != nil {
		return err
	}
	if s, ok := attrs["sequence"]; ok {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 || s[0] == '+' {
			return badEnvelope("sequence", "not a whole number from 0 on", "number the versions of a record 1, 2, 3 ...")
		}
		ev.Sequence = &n
	}
	return nil
}

func attributeTime(attrs map[string]string, name string) (*models.TimeRange, error) {
	s, ok := attrs[name]
	if !ok {
		return nil, nil
	}
	r, ok := parseInstant(s)
	if !ok {
		return nil, badEnvelope(name, "not an RFC 3339 time", "write 2026-06-30T14:05:00-04:00, with seconds and zone")
	}
	return &r, nil
}

// structuredData gives the data of a structured event: the JSON text itself where the content type is JSON (or none is
// given), the bytes of a text otherwise.
func structuredData(data, data64 json.RawMessage, contentType string) ([]byte, error) {
	if isNull(data) {
		data = nil
	}
	if isNull(data64) {
		data64 = nil
	}
	switch {
	case data != nil && data64 != nil:
		return nil, badEnvelope("data_base64", "data and data_base64 together", "send one of the two")
	case data64 != nil:
		var text string
		if json.Unmarshal(data64, &text) != nil {
			return nil, badEnvelope("data_base64", "not a text", "send base64 text")
		}
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, badEnvelope("data_base64", "not base64", "encode the bytes by RFC 4648, with padding")
		}
		return raw, nil
	case data == nil:
		return nil, nil
	case !isJSON(contentType) && data[0] == '"':
		var text string
		if json.Unmarshal(data, &text) != nil {
			return nil, badEnvelope("data", "unreadable text", "send JSON text in UTF-8")
		}
		return []byte(text), nil
	}
	return data, nil
}

func isNull(raw json.RawMessage) bool { return string(bytes.TrimSpace(raw)) == "null" }

// isJSON says whether data of that content type is JSON; none given means JSON.
func isJSON(contentType string) bool {
	kind := mediaType(contentType)
	return kind == "" || kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}

// mediaType gives a content type without its parameters, in lower case; "" when there is none.
func mediaType(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) }
