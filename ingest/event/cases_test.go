package event

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"carereach/models"
)

var update = flag.Bool("update", false, "rewrite the expected facts under testdata")

// Each case under testdata is a topic: a sentence, one line per event ("verb members of data beside the patient") and the
// facts that they become. Every verb of the topic occurs.
func TestTopicsCaseByCase(t *testing.T) {
	for _, topic := range Topics() {
		t.Run(topic, func(t *testing.T) {
			path := filepath.Join("testdata", topic+".txtar")
			archive, err := txtar.ParseFile(path)
			if err != nil || len(archive.Comment) == 0 || len(archive.Files) != 2 {
				t.Fatalf("want a sentence, events and facts: %v", err)
			}
			var got strings.Builder
			var seen []string
			for line := range strings.Lines(string(archive.Files[0].Data)) {
				verb, data, _ := strings.Cut(strings.TrimSpace(line), " ")
				seen = append(seen, verb)
				fmt.Fprintf(&got, "%s\n", verb)
				facts, err := (&Decoder{}).Facts(mine(t, topic+"."+verb, data), received)
				if err != nil {
					fmt.Fprintf(&got, "  %v\n", err)
				}
				for _, f := range facts {
					renderFact(&got, f)
				}
			}
			for _, verb := range Verbs(topic) {
				if !slices.Contains(seen, verb) {
					t.Errorf("no event of verb %s", verb)
				}
			}
			if *update {
				archive.Files[1].Data = []byte(got.String())
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(archive.Files[1].Data), got.String()); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
}

func renderFact(out *strings.Builder, f models.Fact) {
	fmt.Fprintf(out, "  %s %s of %s", f.Type, f.ID, f.Subject.ID)
	if f.Version != 0 {
		fmt.Fprintf(out, " version %d", f.Version)
	}
	if f.Retracted {
		out.WriteString(" retracted")
	}
	out.WriteString("\n")
	ft, _ := models.FactTypeByName(f.Type)
	for i, v := range f.Values {
		if v != nil {
			fmt.Fprintf(out, "    %s: %s\n", ft.Elements[i].Column, renderValue(v))
		}
	}
	if f.Identity != nil {
		fmt.Fprintf(out, "    vault: %+v\n", *f.Identity)
	}
	if c := f.Consent; c != nil {
		fmt.Fprintf(out, "    ledger: %s %s for %s, captured by %q, evidence %q\n", c.Action, c.Channel, c.Purpose, c.CapturedBy, c.Evidence)
	}
}

func renderValue(v any) string {
	at := func(m models.Micros) string {
		switch m {
		case models.MinMicros:
			return "unknown"
		case models.MaxMicros:
			return "open"
		}
		return strings.TrimSuffix(time.UnixMicro(int64(m)).UTC().Format("2006-01-02T15:04:05.999Z"), "T00:00:00Z")
	}
	switch v := v.(type) {
	case models.TimeRange:
		return at(v.Lo) + " .. " + at(v.Hi)
	case models.Interval:
		return at(v.StartLo) + " .. " + at(v.StartHi) + " to " + at(v.EndLo) + " .. " + at(v.EndHi)
	case models.Ref:
		return v.Type + "/" + v.ID
	case models.Quantity:
		return fmt.Sprintf("%s%v %s", v.Comparator, v.Value, v.Unit)
	case models.Money:
		return v.String()
	case []models.Component:
		var parts []string
		for _, c := range v {
			value := "no value"
			if c.Value != nil {
				value = renderValue(*c.Value)
			}
			parts = append(parts, fmt.Sprintf("%v = %s %v", c.Code, value, c.ValueCode))
		}
		return strings.Join(parts, "; ")
	}
	return fmt.Sprint(v)
}
