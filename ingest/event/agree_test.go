package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"carereach/models"
)

var received = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func compiler(t *testing.T) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range append(Topics(), "common") {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(Schema(name))))
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		if err := c.AddResource(SchemaID(name), doc); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// beyondSchema says whether a reject is about something that no JSON Schema can say: the order of two times, the clock, a
// record merged into itself.
func beyondSchema(r *models.Reject) bool {
	return r.Reason == models.ReasonFutureTime || r.Reason == models.ReasonMergeCycle || r.Reason == models.ReasonBadTime && (strings.HasPrefix(r.Detail, "starts after") || strings.HasPrefix(r.Detail, "expires before"))
}

// For every verb of every topic, the checks in Go and the JSON Schema accept and reject the same data.
func TestGoAndSchemaAgree(t *testing.T) {
	schemas, forms, c := loadSchemas(t), samples(), compiler(t)
	for _, topic := range Topics() {
		for _, verb := range Verbs(topic) {
			ref := SchemaID(topic) + "#/$defs/" + verb
			schema, err := c.Compile(ref)
			if err != nil {
				t.Fatalf("%s: %v", ref, err)
			}
			t.Run(topic+"."+verb, func(t *testing.T) {
				t.Parallel()
				accepted, rejected := 0, 0
				rapid.Check(t, func(t *rapid.T) {
					b := &builder{t: t, schemas: schemas, samples: forms, odds: rapid.SampledFrom([]int{0, 0, 3, 15}).Draw(t, "odds")}
					node, home := b.resolve(ref, "")
					instance := b.build([]any{placed{node, home}}, true)
					ok := agree(t, schema, topic, verb, instance)
					if ok {
						accepted++
					} else {
						rejected++
					}
				})
				if !testing.Short() && (accepted == 0 || rejected == 0) { // short runs draw too few cases for both
					t.Errorf("%d accepted, %d rejected: the cases prove little", accepted, rejected)
				}
			})
		}
	}
}

func agree(t *rapid.T, schema *jsonschema.Schema, topic, verb string, instance any) bool {
	data, err := json.Marshal(instance)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	schemaErr := schema.Validate(parsed)
	at := models.TimeRange{Lo: models.Micros(received.UnixMicro()), Hi: models.Micros(received.UnixMicro()), Zoned: true}
	facts, goErr := (&Decoder{}).Facts(Event{ID: "e1", Source: "/s", Type: TypePrefix + topic + "." + verb + ".v1", Time: &at, Data: data}, received)
	var r *models.Reject
	switch {
	case errors.As(goErr, &r) && beyondSchema(r):
		return schemaErr == nil
	case goErr != nil && !errors.As(goErr, &r) && !errors.Is(goErr, ErrIgnored):
		t.Fatalf("Facts gave %v: neither a reject nor ignored", goErr)
	}
	// A top-level value that is no object is bad_json for Go and a type error for the schema: both refuse.
	if (r == nil) != (schemaErr == nil) {
		t.Fatalf("data %s\nGo: %v\nschema: %v", data, goErr, schemaErr)
	}
	if goErr == nil && len(facts) == 0 {
		t.Fatal("accepted without facts")
	}
	checkFacts(t, facts)
	return schemaErr == nil
}

// checkFacts holds facts to the contract of models: types exist, ids and subjects are there, values have their kinds' types.
func checkFacts(t *rapid.T, facts []models.Fact) {
	for _, f := range facts {
		ft, ok := models.FactTypeByName(f.Type)
		if !ok || f.ID == "" || ft.Subject && (f.Subject.Type != "Patient" || f.Subject.ID == "") {
			t.Fatalf("fact %s without id or subject", f.Type)
		}
		for i, v := range f.Values {
			if v != nil && !kindFits(ft.Elements[i].Kind, v) {
				t.Fatalf("%s.%s holds a %T", f.Type, ft.Elements[i].Column, v)
			}
		}
	}
}

func kindFits(k models.ElementKind, v any) bool {
	switch v.(type) {
	case string:
		return k == models.KindText || k == models.KindCoding
	case bool:
		return k == models.KindFlag
	case int64:
		return k == models.KindInt
	case models.Money:
		return k == models.KindMoney
	case []string:
		return k == models.KindConcept
	case models.TimeRange:
		return k == models.KindTime
	case models.Interval:
		return k == models.KindInterval
	case models.Quantity:
		return k == models.KindQuantity
	case models.Ref:
		return k == models.KindRef
	case []models.Component:
		return k == models.KindComponents
	}
	return false
}

// The AsyncAPI document names every topic and verb that the decoder knows, no other, and its references lead somewhere.
func TestAsyncAPINamesEveryVerb(t *testing.T) {
	type ref struct {
		Ref string `yaml:"$ref"`
	}
	var doc struct {
		AsyncAPI string `yaml:"asyncapi"`
		Channels map[string]struct {
			Address  string
			Messages map[string]ref
			Bindings struct {
				Kafka struct {
					BindingVersion string `yaml:"bindingVersion"`
					Topic          string
				}
			}
		}
		Operations map[string]struct{ Channel ref }
		Components struct {
			Messages map[string]struct {
				Name    string
				Payload struct{ Schema ref }
			}
		}
	}
	if err := yaml.Unmarshal(AsyncAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.AsyncAPI != "3.0.0" || len(doc.Channels) != len(Topics()) || len(doc.Operations) != len(Topics()) {
		t.Errorf("version %s, %d channels, %d operations for %d topics", doc.AsyncAPI, len(doc.Channels), len(doc.Operations), len(Topics()))
	}
	c := compiler(t)
	described := map[string][]string{}
	for name, channel := range doc.Channels {
		if channel.Bindings.Kafka.BindingVersion != "0.5.0" || channel.Bindings.Kafka.Topic != channel.Address {
			t.Errorf("channel %s: Kafka binding %+v", name, channel.Bindings.Kafka)
		}
		for _, m := range channel.Messages {
			message, ok := doc.Components.Messages[strings.TrimPrefix(m.Ref, "#/components/messages/")]
			if !ok {
				t.Fatalf("%s leads nowhere", m.Ref)
			}
			verb := strings.TrimSuffix(strings.TrimPrefix(message.Name, TypePrefix+channel.Address+"."), ".v1")
			described[channel.Address] = append(described[channel.Address], verb)
			if want := fmt.Sprintf("./schemas/%s.json#/$defs/%s", channel.Address, verb); message.Payload.Schema.Ref != want {
				t.Errorf("%s: payload %s, want %s", message.Name, message.Payload.Schema.Ref, want)
			}
			if _, err := c.Compile(SchemaID(channel.Address) + "#/$defs/" + verb); err != nil {
				t.Errorf("%s: %v", message.Name, err)
			}
		}
	}
	for _, topic := range Topics() {
		want := Verbs(topic)
		slices.Sort(want)
		slices.Sort(described[topic])
		if !slices.Equal(want, described[topic]) {
			t.Errorf("%s: described %v, known %v", topic, described[topic], want)
		}
	}
}

// Every shared form: the Go check and its definition in schemas/common.json agree on every sample and on generated texts.
func TestFormsAgree(t *testing.T) {
	c := compiler(t)
	check := func(t interface{ Errorf(string, ...any) }, name string, schema *jsonschema.Schema, value any) {
		f := &fault{}
		data, err := json.Marshal(map[string]any{"x": value})
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		o := newObject(data, f)
		switch name {
		case "flag":
			o.flag("x")
		case "count":
			o.count("x", maxCount)
		case "number":
			o.number("x", -1e15, 1e15)
		case "comparator":
			o.oneOf("x", "<", "<=", ">", ">=")
		case "instant":
			o.instant("x")
		case "when":
			o.when("x")
		default:
			o.text("x", name)
		}
		parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		if schemaErr := schema.Validate(parsed.(map[string]any)["x"]); (schemaErr == nil) != (f.reject == nil) {
			t.Errorf("%s: %q: Go %v, schema %v", name, value, f.reject, schemaErr)
		}
	}
	for name, s := range samples() {
		schema, err := c.Compile(SchemaID("common") + "#/$defs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range append(append([]any{nil, 1, "", []any{}}, s.good...), s.bad...) {
			check(t, name, schema, v)
		}
		for _, v := range s.good {
			if err := schema.Validate(toJSON(t, v)); err != nil {
				t.Errorf("%s: %q is meant to fit", name, v)
			}
		}
		for _, v := range s.bad {
			if schema.Validate(toJSON(t, v)) == nil {
				t.Errorf("%s: %q is meant not to fit", name, v)
			}
		}
		// Texts near the good ones: one character changed, added or taken away.
		rapid.Check(t, func(t *rapid.T) {
			text, ok := rapid.SampledFrom(s.good).Draw(t, "from").(string)
			if !ok {
				return
			}
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			with := rapid.SampledFrom([]string{"", " ", "0", "9", "3", "-", ".", ":", "Z", "z", "+", "|", "/", "_", "a", "A", "é", "\n", "\x00", "\x7f", ","}).Draw(t, "with")
			check(t, name, schema, strings.ToValidUTF8(text[:at]+with+text[min(len(text), at+rapid.IntRange(0, 2).Draw(t, "cut")):], "?"))
		})
	}
}

func toJSON(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
