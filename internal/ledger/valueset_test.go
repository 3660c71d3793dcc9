package ledger

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"carereach/models"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const sct = "http://snomed.info/sct"

func set(oid, version string, codes ...string) ValueSet {
	v := ValueSet{OID: oid, Version: version, Title: "Set " + oid}
	for _, c := range codes {
		v.Codes = append(v.Codes, Coding{sct, c})
	}
	return v
}

// codesOf reads an edition back as oid -> codes.
func codesOf(t testing.TB, l *Ledger, edition string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := l.EachCode(t.Context(), edition, func(oid string, c Coding) error {
		out[oid] = append(out[oid], models.CodeKey(c.System, c.Code))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Every load makes an edition that stays readable; what was loaded last for an OID is current.
func TestValueSetEditions(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	if hash := must[string](t)(l.ValueSetHash(t.Context())); hash != "" {
		t.Errorf("hash %q before any load", hash)
	}
	if got := must[[]ValueSetInfo](t)(l.ValueSets(t.Context(), "")); len(got) != 0 {
		t.Errorf("sets %v before any load", got)
	}
	first := must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2024", "b", "a", "b"), set("1.2", "2024", "x")}))
	if first.Sets != 2 || first.Codes != 3 || len(first.Hash) != 64 || !first.LoadedAt.Equal(noon) {
		t.Errorf("first edition %+v", first)
	}
	if again := must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.2", "2024", "x"), set("1.1", "2024", "a", "b")})); again != first {
		t.Errorf("the same again is %+v", again)
	}
	second := must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2025", "a", "c"), set("1.3", "2025", "z")}))
	if second.Sets != 3 || second.Codes != 4 || second.Hash == first.Hash {
		t.Errorf("second edition %+v", second)
	}
	key := func(code string) string { return sct + "|" + code }
	old, current := map[string][]string{"1.1": {key("a"), key("b")}, "1.2": {key("x")}}, map[string][]string{"1.1": {key("a"), key("c")}, "1.2": {key("x")}, "1.3": {key("z")}}
	if diff := cmp.Diff(old, codesOf(t, l, first.Hash)); diff != "" {
		t.Error(diff)
	}
	for _, edition := range []string{"", second.Hash} {
		if diff := cmp.Diff(current, codesOf(t, l, edition)); diff != "" {
			t.Error(diff)
		}
	}
	if hash := must[string](t)(l.ValueSetHash(t.Context())); hash != second.Hash {
		t.Errorf("hash %s, want %s", hash, second.Hash)
	}
	infos := must[[]ValueSetInfo](t)(l.ValueSets(t.Context(), ""))
	if len(infos) != 3 || infos[0] != (ValueSetInfo{"1.1", "2025", "Set 1.1", 2}) {
		t.Errorf("sets %+v", infos)
	}
	back := must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2024", "a", "b")}))
	if all := must[[]Edition](t)(l.Editions(t.Context())); len(all) != 3 || all[0] != first || all[1] != second || all[2] != back {
		t.Errorf("editions %+v", all)
	}
	_, err := l.ValueSets(t.Context(), "0123")
	wantKind(t, err, models.KindNotFound, "never loaded")
	stop := errors.New("enough")
	if err := l.EachCode(t.Context(), "", func(string, Coding) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error comes back as %v", err)
	}
}

// A file that was cut short or is malformed changes nothing.
func TestLoadValueSetsRefuses(t *testing.T) {
	t.Parallel()
	l := openLedger(t)
	first := must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2024", "a")}))
	for name, sets := range map[string][]ValueSet{
		"nothing":     nil,
		"no codes":    {set("1.2", "1", "x"), set("1.3", "1")},
		"no oid":      {set("", "1", "x")},
		"twice":       {set("1.2", "1", "x"), set("1.2", "2", "y")},
		"empty code":  {set("1.2", "1", "")},
		"no system":   {{OID: "1.2", Codes: []Coding{{"", "x"}}}},
		"odd system":  {{OID: "1.2", Codes: []Coding{{"a|b", "x"}}}},
		"broken line": {set("1.2", "1", "x\ny")},
	} {
		_, err := l.LoadValueSets(t.Context(), sets)
		if models.KindOf(err) != models.KindInvalid {
			t.Errorf("%s: %v", name, err)
		}
		if hash := must[string](t)(l.ValueSetHash(t.Context())); hash != first.Hash {
			t.Errorf("%s: changed the edition", name)
		}
	}
}

// The hash of an edition depends on its content alone, not on how many loads it took or in which order lines came.
func TestEditionHashIsOfContent(t *testing.T) {
	t.Parallel()
	whole, parts := openLedger(t), openLedger(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		var sets []ValueSet
		for i := range rapid.IntRange(1, 3).Draw(rt, "sets") {
			sets = append(sets, set(fmt.Sprintf("1.%d.%d", round, i), "1", rapid.SliceOfN(rapid.StringMatching(`[a-c]{1,2}`), 1, 4).Draw(rt, "codes")...))
		}
		want := must[Edition](t)(whole.LoadValueSets(t.Context(), sets))
		var got Edition
		for _, v := range rapid.Permutation(sets).Draw(rt, "order") {
			v.Codes = rapid.Permutation(append(slices.Clone(v.Codes), v.Codes[0])).Draw(rt, "lines")
			got = must[Edition](t)(parts.LoadValueSets(t.Context(), []ValueSet{v}))
		}
		if got.Hash != want.Hash || got.Codes != want.Codes {
			rt.Fatalf("in parts %+v, whole %+v", got, want)
		}
		changed := sets[0]
		changed.Codes = append(slices.Clone(changed.Codes), Coding{sct, "new"})
		if e := must[Edition](t)(whole.LoadValueSets(t.Context(), []ValueSet{changed})); e.Hash == want.Hash {
			rt.Fatal("another code, the same hash")
		}
		if e := must[Edition](t)(whole.LoadValueSets(t.Context(), sets)); e.Hash != want.Hash {
			rt.Fatal("the same content again, another hash")
		}
	})
}

func TestValueSetDamageIsNoticed(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"a code lost":     "UPDATE valueset SET content = CAST(substr(content, 1, length(content) - 1) AS BLOB) WHERE oid = '1.1'",
		"a code more":     "UPDATE valueset SET content = CAST(content || 'x|y' || char(10) AS BLOB), codes = codes + 1 WHERE oid = '1.1'",
		"number of codes": "UPDATE valueset SET codes = 9 WHERE oid = '1.1'",
		"title":           "UPDATE valueset SET title = 'Other' WHERE oid = '1.1'",
		"set lost":        "DELETE FROM valueset WHERE oid = '1.1'",
		"left out":        "DELETE FROM edition_set WHERE oid = '1.1'",
		"edition":         "UPDATE edition SET hash = 'x'",
		"edition lost":    "DELETE FROM edition",
	} {
		l := openLedger(t)
		must[Edition](t)(l.LoadValueSets(t.Context(), []ValueSet{set("1.1", "2024", "a", "b"), set("1.2", "2024", "x")}))
		raw(t, l, query)
		if name != "edition lost" {
			err := l.EachCode(t.Context(), "", func(string, Coding) error { return nil })
			if models.KindOf(err) != models.KindCorruption {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := l.Scrub(t.Context()); models.KindOf(err) != models.KindCorruption {
			t.Errorf("%s: scrub says %v", name, err)
		}
	}
}

// A published edition of 122,030 codes loads and streams well inside three seconds.
func TestLoadPublishedEdition(t *testing.T) {
	t.Parallel()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, "measure-packages", "edition-2025", "valuesets.csv.gz"))
	if err != nil {
		t.Skip("no shared data: set CAREREACH_SHARED to try a published edition")
	}
	defer f.Close()
	records := must[[][]string](t)(csv.NewReader(must[*gzip.Reader](t)(gzip.NewReader(f))).ReadAll())
	byOID, lines := map[string]*ValueSet{}, map[[3]string]bool{}
	for _, r := range records[1:] {
		v := byOID[r[0]]
		if v == nil {
			v = &ValueSet{OID: r[0], Version: r[1], Title: r[2]}
			byOID[r[0]] = v
		}
		v.Codes = append(v.Codes, Coding{r[3], r[4]})
		lines[[3]string{r[0], r[3], r[4]}] = true
	}
	var sets []ValueSet
	for _, v := range byOID {
		sets = append(sets, *v)
	}
	l := openLedger(t)
	begin := time.Now()
	e := must[Edition](t)(l.LoadValueSets(t.Context(), sets))
	load := time.Since(begin)
	begin, n := time.Now(), 0
	err = l.EachCode(t.Context(), e.Hash, func(oid string, c Coding) error {
		if n++; !lines[[3]string{oid, c.System, c.Code}] {
			return fmt.Errorf("%s has %s|%s", oid, c.System, c.Code)
		}
		return nil
	})
	if err != nil || n != len(lines) || e.Codes != n || e.Sets != len(byOID) {
		t.Fatalf("%d of %d codes back, edition %+v, %v", n, len(lines), e, err)
	}
	t.Logf("%d codes in %d sets: loaded in %v, streamed in %v", n, e.Sets, load, time.Since(begin))
	if load > 3*time.Second {
		t.Errorf("loading took %v", load)
	}
}
