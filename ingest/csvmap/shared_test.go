package csvmap

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

var received = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

// sharedFiles lists the files of a folder of public sample data, which is no part of the project.
func sharedFiles(t *testing.T, folder string) []string {
	t.Helper()
	root := os.Getenv("CAREREACH_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.csv*"))
	if err != nil || len(files) == 0 {
		t.Skipf("sample data %s is not here: set CAREREACH_SHARED", folder)
	}
	return files
}

func openFile(t *testing.T, path string) io.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(path, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// tally counts what became of a file's rows, and adds up the money of its facts.
type tally struct {
	mapping                                *Mapping
	rows, mapped, facts, ignored, rejected int
	reasons                                map[string]int
	types                                  map[string]int
	money                                  map[string]*big.Rat
}

func load(t *testing.T, path string) tally {
	t.Helper()
	r, err := NewReader(openFile(t, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	m, err := Pick(Shipped(), path, r.Header())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if err := m.Check(r.Header()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := tally{mapping: m, reasons: map[string]int{}, types: map[string]int{}, money: map[string]*big.Rat{}}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		out.rows++
		var facts []models.Fact
		if err == nil {
			facts, err = m.Facts(r.Header(), row.Cells, received)
		}
		var reject *models.Reject
		switch {
		case err == nil:
			out.mapped++
			for _, f := range facts {
				out.add(f)
			}
		case errors.Is(err, ErrIgnored):
			out.ignored++
		case errors.As(err, &reject):
			out.rejected++
			out.reasons[reject.Error()]++
		default:
			t.Fatalf("%s, line %d: %v", path, row.Line, err)
		}
	}
}

func (c *tally) add(f models.Fact) {
	c.facts++
	c.types[f.Type]++
	ft, _ := models.FactTypeByName(f.Type)
	for i, v := range f.Values {
		if m, ok := v.(models.Money); ok {
			addRat(c.money, ft.Elements[i].Column, big.NewRat(int64(m), models.MoneyScale))
		}
	}
}

func addRat(sums map[string]*big.Rat, name string, n *big.Rat) {
	if sums[name] == nil {
		sums[name] = new(big.Rat)
	}
	sums[name].Add(sums[name], n)
}

// sourceSum adds a money column up without any code of ours: encoding/csv and math/big.
func sourceSum(t *testing.T, path, amount string, keep func(row map[string]string) bool) *big.Rat {
	t.Helper()
	rows, err := csv.NewReader(openFile(t, path)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	sum := new(big.Rat)
	for _, cells := range rows[1:] {
		row := map[string]string{}
		for i, name := range rows[0] {
			row[strings.ToUpper(name)] = cells[i]
		}
		if text := row[amount]; text != "" && (keep == nil || keep(row)) {
			n, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatalf("%s: an amount that is no number", path)
			}
			sum.Add(sum, n)
		}
	}
	if sum.Sign() == 0 {
		t.Fatalf("%s.%s: the independent sum is zero and proves nothing", filepath.Base(path), amount)
	}
	return sum
}

// Every row of the Synthea export becomes facts, is ignored with a reason, or is rejected with one.
func TestSyntheaRowsAllHaveAnOutcome(t *testing.T) {
	want := map[string]string{"patients.csv": "synthea-patients", "encounters.csv": "synthea-encounters", "conditions.csv": "synthea-conditions", "observations.csv": "synthea-observations",
		"procedures.csv": "synthea-procedures", "immunizations.csv": "synthea-immunizations", "medications.csv": "synthea-medications", "organizations.csv": "synthea-organizations",
		"providers.csv": "synthea-providers", "payers.csv": "synthea-payers", "payer_transitions.csv": "synthea-coverage", "claims.csv": "synthea-claims", "claims_transactions.csv.gz": "synthea-transactions",
		"allergies.csv": "synthea-other", "careplans.csv": "synthea-other", "devices.csv": "synthea-other", "supplies.csv": "synthea-other", "imaging_studies.csv": "synthea-other"}
	counts := map[string]int{}
	for _, path := range sharedFiles(t, "synthea-csv-27") {
		got := load(t, path)
		base := filepath.Base(path)
		if got.mapping.Name != want[base] {
			t.Errorf("%s: mapping %s, want %s", base, got.mapping.Name, want[base])
		}
		if got.mapped+got.ignored+got.rejected != got.rows {
			t.Errorf("%s: %d rows but %d+%d+%d outcomes", base, got.rows, got.mapped, got.ignored, got.rejected)
		}
		t.Logf("%-28s %-22s %5d rows: %5d mapped to %5d facts %v, %d ignored, %d rejected %v", base, got.mapping.Name, got.rows, got.mapped, got.facts, got.types, got.ignored, got.rejected, got.reasons)
		for kind, n := range got.types {
			counts[kind] += n
		}
		if got.rejected > 0 {
			t.Errorf("%s: rejects %v", base, got.reasons)
		}
	}
	for kind, n := range map[string]int{"Patient": 27, "Encounter": 604, "Condition": 438, "Observation": 915, "Procedure": 249, "Immunization": 29, "MedicationRequest": 663, "Coverage": 1051, "Claim": 1267 + 1545 + 1843} {
		if counts[kind] != n {
			t.Errorf("%d %s facts, want %d", counts[kind], kind, n)
		}
	}
}

// What was charged and paid in Synthea's transactions equals the source to the cent.
func TestSyntheaMoneyReconciles(t *testing.T) {
	files := sharedFiles(t, "synthea-csv-27")
	i := slices.IndexFunc(files, func(f string) bool { return strings.Contains(f, "claims_transactions") })
	if i < 0 {
		t.Skip("no claims_transactions")
	}
	got := load(t, files[i]).money
	kind := func(k string) func(map[string]string) bool {
		return func(row map[string]string) bool { return row["TYPE"] == k }
	}
	sameMoney(t, got["billed"], sourceSum(t, files[i], "AMOUNT", kind("CHARGE")), "billed")
	sameMoney(t, got["paid"], sourceSum(t, files[i], "PAYMENTS", kind("PAYMENT")), "paid")
	sameMoney(t, got["patient_paid"], sourceSum(t, files[i], "PAYMENTS", func(row map[string]string) bool { return row["TYPE"] == "PAYMENT" && row["METHOD"] == "COPAY" }), "patient_paid")
}

func sameMoney(t *testing.T, got, want *big.Rat, what string) {
	t.Helper()
	// A source that writes binary fractions misses its own cents by less than a millionth.
	if got == nil || new(big.Rat).Sub(got, want).Abs(new(big.Rat).Sub(got, want)).Cmp(big.NewRat(1, 1_000_000)) > 0 || got.FloatString(2) != want.FloatString(2) {
		t.Errorf("%s: facts %v, source %s", what, got, want.FloatString(4))
	} else {
		t.Logf("%s: %s", what, want.FloatString(2))
	}
}

// Every row of the Tuva claims has an outcome, and the amounts equal the source to the cent.
func TestTuvaReconciles(t *testing.T) {
	for _, path := range sharedFiles(t, "claims-tuva") {
		got := load(t, path)
		base, _, _ := strings.Cut(filepath.Base(path), "_sample")
		t.Logf("%-16s %-18s %5d rows: %5d mapped to %5d facts %v, %d ignored, %d rejected %v", base, got.mapping.Name, got.rows, got.mapped, got.facts, got.types, got.ignored, got.rejected, got.reasons)
		if got.mapped+got.ignored+got.rejected != got.rows || got.rejected > 0 {
			t.Errorf("%s: %d rows, %d mapped, %d ignored, rejects %v", base, got.rows, got.mapped, got.ignored, got.reasons)
		}
		switch base {
		case "eligibility":
			if got.types["Patient"] != 219 || got.types["Coverage"] != 219 {
				t.Errorf("facts %v", got.types)
			}
		case "medical_claim":
			sameMoney(t, got.money["billed"], sourceSum(t, path, "CHARGE_AMOUNT", nil), "billed")
			sameMoney(t, got.money["allowed"], sourceSum(t, path, "ALLOWED_AMOUNT", nil), "allowed")
			sameMoney(t, got.money["paid"], sourceSum(t, path, "PAID_AMOUNT", nil), "paid")
		case "pharmacy_claim":
			sameMoney(t, got.money["allowed"], sourceSum(t, path, "ALLOWED_AMOUNT", nil), "allowed")
			sameMoney(t, got.money["paid"], sourceSum(t, path, "PAID_AMOUNT", nil), "paid")
		default:
			t.Errorf("unexpected file %s", base)
		}
	}
}

// A row that goes through the log maps to the same facts as the row itself.
func TestRowsSurviveTheLog(t *testing.T) {
	for _, path := range append(sharedFiles(t, "synthea-csv-27"), sharedFiles(t, "claims-tuva")...) {
		r, err := NewReader(openFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		m, err := Pick(Shipped(), path, r.Header())
		if err != nil {
			t.Fatal(err)
		}
		for {
			row, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			direct, err1 := m.Facts(r.Header(), row.Cells, received)
			replayed, err2 := m.FactsJSON(EncodeRow(r.Header(), row.Cells), received)
			if !reflect.DeepEqual(direct, replayed) || fmt.Sprint(err1) != fmt.Sprint(err2) {
				t.Fatalf("%s line %d: %d facts, %v; replayed %d facts, %v", filepath.Base(path), row.Line, len(direct), err1, len(replayed), err2)
			}
		}
	}
}
