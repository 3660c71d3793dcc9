package pipeline

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"carereach/internal/store"
	"carereach/models"
)

// clinicOf fills a store with made-up patients of 30 facts each: one Patient, 8 visits, 4 blood pressures, 4 HbA1c
// results, 4 other results, 3 conditions, 3 procedures and 3 vaccinations.
func clinicOf(b testing.TB, s *store.Store, patients int) {
	b.Helper()
	const at = "TIMESTAMP '2024-07-01 08:00:00' + to_days(CAST(%s AS INTEGER))"
	date := func(expr string) string { return strings.ReplaceAll(at, "%s", expr) }
	point := func(column, expr string) string {
		d := date(expr)
		return d + " AS " + column + "_sl, " + d + " AS " + column + "_sh, " + d + " AS " + column + "_el, " + d + " AS " + column + "_eh, CAST(0 AS SMALLINT) AS " + column + "_off"
	}
	pick := func(codes ...string) string {
		return "[list_extract(['" + strings.Join(codes, "', '") + "'], CAST(1 + (p + n) % " + strconv.Itoa(len(codes)) + " AS INTEGER))]"
	}
	loinc := func(c string) string { return models.CodeKey(models.SystemLOINC, c) }
	kinds := []struct {
		table, columns string
		each           int
	}{
		{"ver_patient", "TIMESTAMP '1940-01-01' + to_days(CAST(p * 7919 % 25000 AS INTEGER)) AS birth_lo, TIMESTAMP '1940-01-01' + to_days(CAST(p * 7919 % 25000 AS INTEGER)) AS birth_hi, CASE WHEN p % 2 = 0 THEN 'female' ELSE 'male' END AS gender, 'en' AS language, TRUE AS has_mobile", 1},
		{"ver_encounter", "'finished' AS status, '" + models.CodeKey(models.SystemActCode, "AMB") + "' AS class, " + point("period", "(p * 13 + n * 97) % 700") + ", md5('place' || (p % 20))::UUID AS location", 8},
		{"ver_observation", "'final' AS status, ['" + loinc("85354-9") + "'] AS code, " + point("effective", "(p * 17 + n * 89) % 700") + `, [
			{'code': ['` + loinc("8480-6") + `'], 'value': 110.0 + p % 60, 'unit': 'mm[Hg]', 'value_code': NULL}, {'code': ['` + loinc("8462-4") + `'], 'value': 70.0 + p % 30, 'unit': 'mm[Hg]', 'value_code': NULL}] AS component`, 4},
		{"ver_observation", "'final' AS status, ['" + loinc("4548-4") + "'] AS code, " + point("effective", "(p * 19 + n * 83) % 700") + ", 5.0 + p % 7 AS value, '%' AS value_unit", 4},
		{"ver_observation", "'final' AS status, " + pick(loinc("2093-3"), loinc("718-7"), loinc("2160-0")) + " AS code, " + point("effective", "(p * 23 + n * 79) % 700") + ", 5.0 + n AS value, 'mg/dL' AS value_unit", 4},
		{"ver_condition", pick(models.CodeKey(models.SystemICD10CM, "E11.9"), models.CodeKey(models.SystemICD10CM, "I10"), models.CodeKey(models.SystemICD10CM, "J06.9")) + " AS code, ['active'] AS clinical_status, " + point("onset", "-(p + n * 300) % 1500"), 3},
		{"ver_procedure", "'completed' AS status, " + pick(models.CodeKey(models.SystemHCPCS, "G0121"), models.CodeKey(models.SystemHCPCS, "G0202"), "http://example.org|x") + " AS code, " + point("performed", "(p * 29 + n * 73) % 700"), 3},
		{"ver_immunization", "'completed' AS status, " + pick(models.CodeKey(models.SystemCVX, "150"), models.CodeKey(models.SystemCVX, "20")) + " AS code, " + date("(p * 31 + n * 71) % 700") + " AS occurrence_lo, " + date("(p * 31 + n * 71) % 700") + " AS occurrence_hi", 3},
	}
	rows := strconv.Itoa(patients)
	pid := "CAST(p % 256 AS BIGINT) * 1099511627776 + p"
	texts := []string{"INSERT INTO subject SELECT " + pid + ", CAST(md5('token' || p) AS UUID), CAST(p % 256 AS SMALLINT), TRUE FROM range(" + rows + ") AS r(p)",
		"INSERT INTO position VALUES ('files', 0, 1000000000)"}
	k := 0
	for i, kind := range kinds {
		each := strconv.Itoa(kind.each)
		texts = append(texts, "INSERT INTO "+kind.table+" BY NAME SELECT "+pid+" AS pid, "+strconv.Itoa(k)+" + p * "+each+" + n AS k, CAST(md5('"+strconv.Itoa(i)+" ' || p || ' ' || n) AS UUID) AS ent, "+
			"'ehr' AS source, 1 AS version, TIMESTAMP '2026-06-30' AS known_at, FALSE AS retracted, 'files' AS log, 0 AS part, p AS off, CAST(n AS INTEGER) AS entry, "+
			kind.columns+" FROM range("+rows+") AS r(p) CROSS JOIN range("+each+") AS x(n)")
		k += patients * kind.each
	}
	err := s.Ingest(context.Background(), func(tx *store.Tx) error {
		for _, text := range texts {
			if _, err := tx.Exec(context.Background(), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func fileStore(b testing.TB) *store.Store {
	b.Helper()
	dir := b.TempDir()
	s, err := store.Open(context.Background(), store.Options{Path: filepath.Join(dir, "analytics.duckdb"), ScratchDir: filepath.Join(dir, "scratch"), Threads: min(2, runtime.NumCPU()), MemoryLimit: "4GB"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkFullFold folds 3 million facts of 100,000 patients from nothing.
func BenchmarkFullFold(b *testing.B) {
	s := fileStore(b)
	clinicOf(b, s, 100_000)
	p := New(s, nil, Options{})
	for b.Loop() {
		r, err := p.Refold(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(r.Versions)/r.Took.Seconds(), "facts/s")
	}
}

// BenchmarkSmallFold folds one new version into the facts of 100,000 patients.
func BenchmarkSmallFold(b *testing.B) {
	s := fileStore(b)
	clinicOf(b, s, 100_000)
	p := New(s, nil, Options{})
	if _, err := p.Fold(context.Background()); err != nil {
		b.Fatal(err)
	}
	h := newHistory(b, s)
	b.ResetTimer()
	for i := range b.N {
		b.StopTimer()
		h.off = 10_000_000 + int64(i)
		h.add(statement{rt: "Encounter", id: i, patient: 1, codes: []string{"x|1"}})
		b.StartTimer()
		if _, err := p.Fold(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRun makes every shipped relation, five rules among them, over 100,000 patients of 30 facts.
func BenchmarkRun(b *testing.B) {
	s := fileStore(b)
	clinicOf(b, s, 100_000)
	last := time.Now()
	p := New(s, &notebook{}, Options{Hooks: func(point string) {
		if d := time.Since(last); d > 100*time.Millisecond {
			b.Logf("%s after %v", point, d)
		}
		last = time.Now()
	}})
	if _, err := p.Fold(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := range b.N {
		res, err := p.Run(context.Background(), RunRequest{AsOf: models.NewDate(2026, 6, 1).AddDays(i % 25)})
		if err != nil {
			b.Fatal(err)
		}
		var measures, all float64
		for _, r := range res.Relations {
			if r.Took.Milliseconds() >= 100 {
				b.Logf("%s/%s: %d rows, %v", r.Layer, r.Name, r.Rows, r.Took)
			}
			all += r.Took.Seconds()
			if r.Layer == "measures" {
				measures += r.Took.Seconds()
			}
		}
		b.Logf("gaps %d, rows %v", res.Rows["gap"], res.Rows)
		b.ReportMetric(measures, "s/measures")
		b.ReportMetric(all, "s/relations")
	}
}
