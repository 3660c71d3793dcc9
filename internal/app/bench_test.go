package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carereach/reports"
	"carereach/reports/workbook"
)

// benchMB is how much NDJSON the load benchmark makes, benchPatients how many patients the others have. The figures in
// README are made with the defaults; smaller ones are for a quick look.
func benchSize(name string, size int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return size
}

// clones reads the clinic's FHIR lines again and again, every id and reference with a new ending, until it gave size bytes. Each
// two rounds share their patients, who so have about thirty facts each.
type clones struct {
	lines [][]byte
	size  int64
	given int64
	round int
	next  int
	rest  []byte
}

// newClones keeps the clinic's lines split at the ids, which all begin with a known prefix.
func newClones(t testing.TB, size int64) *clones {
	t.Helper()
	c := &clones{size: size}
	for _, f := range clinicFiles(t) {
		if !strings.Contains(f.name, "ndjson") || strings.Contains(f.name, "trouble") || strings.Contains(f.name, "events") || strings.Contains(f.name, "Practitioner") ||
			strings.Contains(f.name, "Organization") || strings.Contains(f.name, "Location") {
			continue
		}
		s := bufio.NewScanner(bytes.NewReader(gunzip(t, f.body)))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			c.lines = append(c.lines, bytes.Clone(s.Bytes()))
		}
	}
	return c
}

func gunzip(t testing.TB, s string) []byte {
	t.Helper()
	if !strings.HasPrefix(s, "\x1f\x8b") {
		return []byte(s)
	}
	z, err := gzip.NewReader(strings.NewReader(s))
	must(t, err)
	b, err := io.ReadAll(z)
	must(t, err)
	return b
}

// Read gives the next bytes.
func (c *clones) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		if c.given >= c.size && c.next == 0 {
			return 0, io.EOF
		}
		if line := c.lines[c.next]; c.round%2 == 0 || !bytes.Contains(line, []byte(`"resourceType":"Patient"`)) {
			c.rest = c.clone(line)
		}
		c.given += int64(len(c.rest))
		if c.next++; c.next == len(c.lines) {
			c.next = 0
			c.round++
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// ids are the prefixes of the ids that a clone gets anew; practitioners, places and organisations stay.
var ids = []string{`"p-`, `Patient/p-`, `"apt-`, `Appointment/apt-`, `"enc-`, `Encounter/enc-`, `"obs-`, `"con-`, `"cov-`, `"pro-`, `"rep-`, `"imm-`, `"rel-`}

func (c *clones) clone(line []byte) []byte {
	out := make([]byte, 0, len(line)+64)
	end, person := []byte(fmt.Sprintf("x%d-", c.round)), []byte(fmt.Sprintf("x%d-", c.round/2))
	for i := 0; i < len(line); {
		hit := 0
		if line[i] == '"' || line[i] == 'P' || line[i] == 'A' || line[i] == 'E' {
			for _, id := range ids {
				if bytes.HasPrefix(line[i:], []byte(id)) {
					hit = len(id)
					break
				}
			}
		}
		if hit == 0 {
			out = append(out, line[i])
			i++
			continue
		}
		mark := end
		if id := string(line[i : i+hit]); id == `"p-` || id == `Patient/p-` {
			mark = person
		}
		out = append(append(out, line[i:i+hit]...), mark...)
		i += hit
	}
	return append(out, '\n')
}

// one hands over a single stream.
type one struct {
	name string
	r    io.Reader
}

func (o *one) Next() (string, io.Reader, error) {
	if o.r == nil {
		return "", nil, io.EOF
	}
	r := o.r
	o.r = nil
	return o.name, r, nil
}

// peak samples the memory of the process, Go and DuckDB together, until stop is called.
func peak() (stop func() int64) {
	var top atomic.Int64
	done := make(chan struct{})
	go func() {
		for {
			if b, err := os.ReadFile("/proc/self/statm"); err == nil {
				if f := strings.Fields(string(b)); len(f) > 1 {
					if n, err := strconv.ParseInt(f[1], 10, 64); err == nil && n*int64(os.Getpagesize()) > top.Load() {
						top.Store(n * int64(os.Getpagesize()))
					}
				}
			}
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(done); return top.Load() }
}

func (s *site) call(b *testing.B, files FileSource, out Sink) *Call {
	actor, err := s.open().Actor(context.Background(), os.Getuid(), "")
	must(b, err)
	return &Call{Actor: actor, Files: files, Out: out}
}

// BenchmarkLoad loads cloned FHIR NDJSON to committed facts: the figure that README gives in MB/s with its peak of memory;
// folded-MB/s counts the folding of the current facts as well. Beside it in the same run stands the baseline: the same lines through encoding/json into maps and nothing else.
func BenchmarkLoad(b *testing.B) {
	size := int64(benchSize("CAREREACH_BENCH_MB", 500)) << 20
	for b.Loop() {
		s := newSite(b)
		f, err := os.Create(filepath.Join(b.TempDir(), "clones.ndjson"))
		must(b, err)
		_, err = io.Copy(f, newClones(b, size))
		must(b, err)
		_, err = f.Seek(0, io.SeekStart)
		must(b, err)
		s.open()
		runtime.GC()
		debug.FreeOSMemory()
		stop, started := peak(), time.Now()
		raw, err := s.open().Do(context.Background(), "ingest.file", s.call(b, &one{"clones.ndjson", f}, &buffer{}), []byte(`{}`))
		must(b, err)
		took := time.Since(started)
		var res IngestResult
		must(b, json.Unmarshal(raw, &res))
		mb := float64(res.Bytes) / 1e6
		b.ReportMetric(mb/res.Seconds, "MB/s")
		b.ReportMetric(mb/took.Seconds(), "folded-MB/s")
		b.ReportMetric(float64(res.Stored)/res.Seconds, "facts/s")
		b.ReportMetric(float64(stop())/1e6, "peak-MB")
		b.ReportMetric(baselineMBs(b, min(size, 64<<20)), "baseline-MB/s")
		if res.Stored == 0 || res.Quarantined > 0 {
			b.Fatalf("outcomes %+v", res.Outcomes)
		}
		s.close()
	}
}

// baselineMBs decodes lines with encoding/json on one core.
func baselineMBs(b *testing.B, size int64) float64 {
	b.Helper()
	started, n := time.Now(), 0
	s := bufio.NewScanner(newClones(b, size))
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var v map[string]any
		must(b, json.Unmarshal(s.Bytes(), &v))
		n += len(s.Bytes())
	}
	return float64(n) / 1e6 / time.Since(started).Seconds()
}

// BenchmarkRun analyses cloned patients: all relations, and of them the five rules apart; then the workbook and a list of
// 100,000 rows over what was published.
func BenchmarkRun(b *testing.B) {
	patients := benchSize("CAREREACH_BENCH_PATIENTS", 100_000)
	clinicPatients := 120
	perRound := newClones(b, 1)
	var round int64
	for _, l := range perRound.lines {
		round += int64(len(l)) + 20
	}
	s := newSite(b)
	a := s.open()
	src := newClones(b, 2*round*int64(patients/clinicPatients))
	_, err := a.Do(context.Background(), "ingest.file", s.call(b, &one{"clones.ndjson", src}, &buffer{}), []byte(`{}`))
	must(b, err)
	st, err := a.Ingester.Status(context.Background())
	must(b, err)
	b.Logf("%d patients, %d facts", st.Patients, st.Stored)
	must(b, a.Store.Checkpoint(context.Background()))
	day := DemoAsOf
	for b.Loop() {
		day = day.AddDays(-1) // another run each time
		stop, started := peak(), time.Now()
		raw, err := json.Marshal(AnalyzeArgs{AsOf: day})
		must(b, err)
		answer, err := a.Do(context.Background(), "analyze", s.call(b, NoFiles{}, &buffer{}), raw)
		must(b, err)
		var res AnalyzeResult
		must(b, json.Unmarshal(answer, &res))
		b.ReportMetric(time.Since(started).Seconds(), "run-s")
		b.ReportMetric(float64(stop())/1e6, "peak-MB")
		b.ReportMetric(float64(res.Rows["patient"]), "patients")
		b.ReportMetric(seconds(res, "measures/colorectal_screening", "measures/breast_screening", "measures/hba1c_poor_control", "measures/bp_control", "measures/influenza_vaccination"), "rules-s")
		b.ReportMetric(seconds(res, "measures/"), "measures-s")
		b.ReportMetric(seconds(res, "staging/"), "staging-s")
		b.Log(slowest(res))
		s.benchFiles(b)
	}
	s.close()
}

// benchFiles times the executive workbook and a work list of up to 100,000 rows.
func (s *site) benchFiles(b *testing.B) {
	started := time.Now()
	rep, err := s.open().executive(context.Background(), nil)
	must(b, err)
	var size counter
	must(b, workbook.WriteExecutive(&size, rep, workbook.Options{TmpDir: s.app.tmpDir(), Generated: s.now}))
	b.ReportMetric(time.Since(started).Seconds(), "workbook-s")
	started = time.Now()
	args := GapsArgs{ListArgs: ListArgs{Format: "xlsx"}, GapFilter: reports.GapFilter{Page: reports.Page{Limit: 100_000}}}
	raw, err := json.Marshal(args)
	must(b, err)
	answer, err := s.app.Do(context.Background(), "gaps.list", s.call(b, NoFiles{}, &size), raw)
	must(b, err)
	var out Exported
	must(b, json.Unmarshal(answer, &out))
	b.ReportMetric(time.Since(started).Seconds(), "list-s")
	b.ReportMetric(float64(out.Shown), "list-rows")
}

// counter is a Sink that counts bytes.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }
func (*counter) Progress(Progress)             {}

// seconds adds the time of the relations whose names begin so.
func seconds(res AnalyzeResult, names ...string) (sum float64) {
	for _, r := range res.Relations {
		for _, n := range names {
			if strings.HasPrefix(r.Name, n) {
				sum += r.Seconds
			}
		}
	}
	return sum
}

func slowest(res AnalyzeResult) string {
	out := ""
	for _, r := range res.Relations {
		if r.Seconds > 0.2 {
			out += fmt.Sprintf("%s %.2f s, ", r.Name, r.Seconds)
		}
	}
	return "relations over 0.2 s: " + out
}

// A clone differs from its original in its ids and in nothing else.
func TestClonesHaveNewIDs(t *testing.T) {
	c := newClones(t, 1)
	seen := map[string]bool{}
	for round := range 3 {
		c.round = round
		for _, l := range c.lines {
			var r struct {
				ResourceType, ID string
			}
			must(t, json.Unmarshal(c.clone(l), &r))
			if r.ResourceType != "Patient" && seen[r.ResourceType+r.ID] {
				t.Fatalf("%s is there twice: %s", r.ResourceType, r.ID)
			}
			seen[r.ResourceType+r.ID] = true
		}
	}
	if _, err := os.Stat(filepath.Join("clinic", "fhir")); err != nil {
		t.Error(err)
	}
}
