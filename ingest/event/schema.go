package event

import "embed"

// files holds the JSON Schema 2020-12 of each topic's data, the definitions they share, and the AsyncAPI 3.0 document.
//
//go:embed schemas/*.json asyncapi.yaml
var files embed.FS

// schemaPrefix starts the id of every schema of ours.
const schemaPrefix = "urn:carereach:schema:"

// SchemaID gives the value that the attribute dataschema has for a topic's events.
func SchemaID(topic string) string { return schemaPrefix + topic + ":1" }

// Schema gives the JSON Schema of a topic's data; "common" gives the shared definitions. Nil for an unknown topic. The
// definition of a verb is at #/$defs/<verb>.
func Schema(topic string) []byte {
	text, err := files.ReadFile("schemas/" + topic + ".json")
	if err != nil {
		return nil
	}
	return text
}

// AsyncAPI gives the AsyncAPI 3.0 document of all topics.
func AsyncAPI() []byte {
	text, err := files.ReadFile("asyncapi.yaml")
	if err != nil {
		panic("event: " + err.Error()) // embedded at build time
	}
	return text
}
