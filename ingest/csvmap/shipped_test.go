package csvmap

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"carereach/models"
)

var update = flag.Bool("update", false, "rewrite the expected facts under testdata")

// Each case under testdata is a sentence, a small file and the facts that its rows become by the shipped mapping that
// recognises it. Codes are made up where a real one would need a licence.
func TestShippedMappingsCaseByCase(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	mappings := inZone(t, "America/New_York")
	covered := map[string]bool{}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil || len(archive.Comment) == 0 {
				t.Fatalf("a case begins with a sentence: %v", err)
			}
			var want *txtar.File
			var got strings.Builder
			for i := range archive.Files {
				f := &archive.Files[i]
				if f.Name == "want" {
					want = f
					continue
				}
				covered[render(t, &got, mappings, f)] = true
			}
			if want == nil {
				t.Fatal("no file want")
			}
			if *update {
				want.Data = []byte(got.String())
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want.Data), got.String()); diff != "" {
				t.Errorf("facts differ (-want +got):\n%s", diff)
			}
		})
	}
	for _, m := range mappings {
		if !covered[m.Name] {
			t.Errorf("no case for mapping %s", m.Name)
		}
	}
}

// render writes what became of each row of a file and gives the name of the mapping.
func render(t *testing.T, out *strings.Builder, mappings []*Mapping, f *txtar.File) string {
	r, err := NewReader(bytes.NewReader(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Pick(mappings, f.Name, r.Header())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(out, "%s by %s", f.Name, m.Name)
	if left := m.Unmapped(r.Header()); left != nil {
		fmt.Fprintf(out, ", not read: %s", strings.Join(left, ", "))
	}
	out.WriteString("\n")
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return m.Name
		}
		var facts []models.Fact
		if err == nil {
			facts, err = m.Facts(r.Header(), row.Cells, received)
		}
		fmt.Fprintf(out, "line %d", row.Line)
		if err != nil {
			fmt.Fprintf(out, ": %v", err)
		}
		out.WriteString("\n")
		for _, fact := range facts {
			renderFact(out, fact)
		}
	}
}

func renderFact(out *strings.Builder, f models.Fact) {
	fmt.Fprintf(out, "  %s %s", f.Type, f.ID)
	if f.Subject.ID != "" {
		fmt.Fprintf(out, " of %s", f.Subject.ID)
	}
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
	}
	return fmt.Sprint(v)
}
