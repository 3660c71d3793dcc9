package event

import (
	"maps"
	"slices"
	"strings"
)

// FromHeaders reads one Kafka record: binary mode (attributes in ce_ headers, value = data), or structured mode when the
// content type is application/cloudevents+json. contentType is the record's content-type header; when empty, the entry
// "content-type" of headers counts. A nil value is a tombstone and gives nil Data, an empty one empty Data. Headers that
// are no attributes are passed over. Rejects as Parse; Event.Data shares memory with value.
func FromHeaders(headers map[string]string, contentType string, value []byte) (Event, error) {
	if contentType == "" {
		contentType = headers["content-type"]
	}
	switch kind := mediaType(contentType); {
	case kind == "application/cloudevents+json":
		return Parse(value)
	case strings.HasPrefix(kind, "application/cloudevents"):
		return Event{}, badEnvelope("content-type", "a batch, or an event format other than JSON", "send one event per record as application/cloudevents+json or in binary mode")
	}
	if len(value) > MaxBytes {
		return Event{}, tooLarge("event")
	}
	attrs := map[string]string{}
	for _, header := range slices.Sorted(maps.Keys(headers)) {
		name, ok := strings.CutPrefix(header, "ce_")
		if !ok {
			continue
		}
		if !goodName(name) {
			return Event{}, badName(name)
		}
		if name == "data" || name == "datacontenttype" {
			return Event{}, badEnvelope(name, "sent as a ce_ header", "data is the record's value, its type the content-type header")
		}
		attrs[name] = headers[header]
	}
	if contentType != "" {
		attrs["datacontenttype"] = contentType
	}
	var ev Event
	if err := ev.take(attrs); err != nil {
		return Event{}, err
	}
	ev.Data = value
	return ev, nil
}
