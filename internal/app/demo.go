package app

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"carereach/models"
)

// clinic is a made-up clinic: self-made files about people who do not exist, in freely usable codes.
//
//go:embed clinic
var clinic embed.FS

// The demo's day and its clock, which stands still, so that the same files give the same tables everywhere.
var (
	DemoAsOf  = models.NewDate(2026, time.June, 30)
	demoClock = time.Date(2026, 7, 1, 6, 0, 0, 0, time.UTC)
)

// demoSeed derives the demo's keys. Whoever reads this line knows them: nothing real belongs into a demo folder.
const demoSeed = "carereach demo"

// demoMark marks a folder as made by the demo, which may replace it.
const demoMark = "MADE-BY-CAREREACH-DEMO"

// DemoResult is what the demo found and where it put it.
type DemoResult struct {
	Dir      string        `json:"dir"` // carereach folder; every verb works on it
	Ingest   IngestResult  `json:"ingest"`
	Analyze  AnalyzeResult `json:"analyze"`
	Measures MeasureList   `json:"measures"`
	KPIs     KPIList       `json:"kpis"`
	Targets  Exported      `json:"targets"`
	Files    []DemoFile    `json:"files"`
	Seconds  float64       `json:"seconds"`
}

// DemoFile is one file that the demo wrote.
type DemoFile struct {
	Path string `json:"path"`
	What string `json:"what"`
}

// Demo takes the made-up clinic through the whole line in a folder of its own below root: load, analyse, report, lists. It
// needs no network. A root that the demo made before is replaced; any other that exists is left alone.
func Demo(ctx context.Context, root string, progress func(Progress)) (out DemoResult, err error) {
	started := time.Now()
	root, err = filepath.Abs(root)
	if err != nil {
		return out, err
	}
	if err := demoRoot(root); err != nil {
		return out, err
	}
	out.Dir = filepath.Join(root, "data")
	cfg, err := Init(ctx, out.Dir, InitArgs{Tenant: "demo-clinic", Organisation: "Riverton Family Health (made up)", Zone: "America/New_York", Keys: filepath.Join(root, "keys"), User: "demo", UID: os.Getuid(),
		DemoSeed: demoSeed})
	if err != nil {
		return out, err
	}
	a, err := Open(ctx, out.Dir, cfg, Options{Now: func() time.Time { return demoClock }, Progress: progress})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	actor, err := a.Actor(ctx, os.Getuid(), "")
	if err != nil {
		return out, err
	}
	d := demo{app: a, call: Call{Actor: actor, Files: NoFiles{}, Out: &demoSink{progress: progress}}, root: root, out: &out}
	if err := d.run(ctx); err != nil {
		return out, err
	}
	out.Seconds = time.Since(started).Seconds()
	return out, nil
}

func demoRoot(root string) error {
	mark := filepath.Join(root, demoMark)
	if _, err := os.Stat(root); err == nil {
		if _, err := os.Stat(mark); err != nil {
			return &models.Error{Kind: models.KindConfig, Message: root + " exists and is not the demo's", Mend: "choose another folder with --dir"}
		}
		if err := os.RemoveAll(root); err != nil {
			return fmt.Errorf("remove the last demo: %w", err)
		}
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fmt.Errorf("make demo folder: %w", err)
	}
	return os.WriteFile(mark, []byte("synthetic data; its keys are known to everybody\n"), 0o600)
}

// demo is the demo on its way.
type demo struct {
	app  *App
	call Call
	root string
	out  *DemoResult
}

func (d *demo) run(ctx context.Context) error {
	d.call.Files = &embedded{dir: clinic, names: embeddedNames("clinic")}
	if err := d.do(ctx, "ingest.file", IngestArgs{}, &d.out.Ingest); err != nil {
		return err
	}
	for _, goal := range demoGoals() {
		if err := d.do(ctx, "kpi.goal", goal, nil); err != nil {
			return err
		}
	}
	if err := d.do(ctx, "analyze", AnalyzeArgs{AsOf: DemoAsOf}, &d.out.Analyze); err != nil {
		return err
	}
	if err := d.do(ctx, "measure.list", AsOfArgs{}, &d.out.Measures); err != nil {
		return err
	}
	if err := d.do(ctx, "kpi.list", KPIArgs{}, &d.out.KPIs); err != nil {
		return err
	}
	return d.files(ctx)
}

// demoGoals are the baselines and targets of the made-up clinic.
func demoGoals() []GoalArgs {
	from := models.NewDate(2026, time.January, 1)
	return []GoalArgs{
		{Kind: "baseline", KPI: "no_show_rate", Value: "0.18", From: from, Note: "scheduling system, 2024"}, {Kind: "target", KPI: "no_show_rate", Value: "0.10", From: from, Note: "board"},
		{Kind: "target", KPI: "retention", Value: "0.85", From: from, Note: "board"}, {Kind: "target", KPI: "gap_closure", Value: "0.40", From: from, Note: "quality committee"},
		{Kind: "target", KPI: "preventive_use", Value: "0.60", From: from, Note: "quality committee"}, {Kind: "target", KPI: "colorectal_screening", Value: "0.70", From: from, Note: "quality committee"},
	}
}

// files writes the workbook and the lists.
func (d *demo) files(ctx context.Context) error {
	gaps := GapsArgs{ListArgs: ListArgs{Format: "xlsx", Identified: true, Purpose: "operations"}}
	gaps.Status = models.GapOpen
	targets := TargetsArgs{ListArgs: ListArgs{Format: "csv", Identified: true, Purpose: "operations"}}
	targets.Contact = "yes"
	for _, f := range []struct {
		name, verb, what string
		args             any
		result           any
	}{
		{"executive.xlsx", "report.build", "executive workbook: aggregates only", ReportArgs{Name: "executive"}, nil},
		{"open-gaps.xlsx", "gaps.list", "open care gaps with names, under a grant", gaps, nil},
		{"targets.csv", "targets.list", "whom to reach, why and how, under a grant", targets, &d.out.Targets},
	} {
		path := filepath.Join(d.root, f.name)
		if err := d.file(ctx, path, f.verb, f.args, f.result); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
		d.out.Files = append(d.out.Files, DemoFile{Path: path, What: f.what})
	}
	return nil
}

func (d *demo) file(ctx context.Context, path, verb string, args, result any) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	d.call.Out.(*demoSink).file = f
	return errors.Join(d.do(ctx, verb, args, result), f.Close())
}

func (d *demo) do(ctx context.Context, verb string, args, result any) error {
	raw, err := json.Marshal(args)
	if err != nil {
		return err
	}
	answer, err := d.app.Do(ctx, verb, &d.call, raw)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(answer, result)
}

// demoSink passes progress on and writes to the file in hand.
type demoSink struct {
	progress func(Progress)
	file     io.Writer
}

func (s *demoSink) Write(b []byte) (int, error) { return s.file.Write(b) }
func (s *demoSink) Progress(p Progress) {
	if s.progress != nil {
		s.progress(p)
	}
}

// embedded hands over embedded files in the order of their names.
type embedded struct {
	dir   fs.FS
	names []string
}

func embeddedNames(root string) []string {
	var names []string
	_ = fs.WalkDir(clinic, root, func(path string, e fs.DirEntry, err error) error { // embedded folders cannot fail
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return err
	})
	return names
}

// Next gives the next file.
func (e *embedded) Next() (string, io.Reader, error) {
	if len(e.names) == 0 {
		return "", nil, io.EOF
	}
	name := e.names[0]
	e.names = e.names[1:]
	b, err := fs.ReadFile(e.dir, name)
	return filepath.Base(name), bytes.NewReader(b), err
}
