package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"carereach/models"
)

// daemon runs Serve over a site until the test ends, and gives a client of it.
func daemon(t *testing.T, s *site) Client {
	t.Helper()
	s.close()
	cfg, err := LoadConfig(s.dir, nil)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, s.dir, cfg, slog.New(slog.NewTextHandler(io.Discard, nil))) }()
	t.Cleanup(func() {
		stop()
		must(t, <-done)
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", cfg.socketPath(s.dir))
		if err == nil {
			must(t, conn.Close())
			c := Client{Dir: s.dir}
			_, err = c.Do(context.Background(), "ingest.status", None{}, NoFiles{}, &buffer{}) // answers once the stores are open
			must(t, err)
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("the daemon does not listen: %v", err)
		}
	}
}

// A verb over the socket gives what it gives in process: results, files and errors alike.
func TestDaemonAnswersAsTheProcessDoes(t *testing.T) {
	s := newSite(t)
	s.do("ingest.file", IngestArgs{}, nil, clinicFiles(t)...)
	s.analyze()
	var want MeasureList
	s.do("measure.list", AsOfArgs{}, &want)
	list := s.gaps(DemoAsOf)
	c := daemon(t, s)
	raw, err := c.Do(context.Background(), "measure.list", AsOfArgs{}, NoFiles{}, &buffer{})
	must(t, err)
	wantRaw, err := json.Marshal(want)
	must(t, err)
	if string(raw) != string(wantRaw) {
		t.Errorf("over the socket:\n%s\nin process:\n%s", raw, wantRaw)
	}
	var file buffer
	asOf := DemoAsOf
	_, err = c.Do(context.Background(), "gaps.list", GapsArgs{ListArgs: ListArgs{AsOf: &asOf, Format: "csv"}}, NoFiles{}, &file)
	if err != nil || file.String() != list {
		t.Errorf("the list over the socket differs (%d bytes, %d): %v", file.Len(), len(list), err)
	}
	if _, err := c.Do(context.Background(), "patient.show", PatientArgs{Token: strings.Repeat("0", 32), Purpose: "treatment"}, NoFiles{}, &buffer{}); models.KindOf(err) != models.KindNotFound {
		t.Errorf("the kind of an error is lost: %v", err)
	}
	if _, err := c.Do(context.Background(), "no.such", None{}, NoFiles{}, &buffer{}); models.KindOf(err) != models.KindUsage {
		t.Errorf("an unknown verb: %v", err)
	}
	if _, err := c.Do(context.Background(), "measure.list", map[string]int{"as_off": 1}, NoFiles{}, &buffer{}); models.KindOf(err) != models.KindUsage {
		t.Errorf("an unknown argument: %v", err)
	}
}

// Files travel over the socket: a load through the daemon takes the same inputs.
func TestLoadThroughTheDaemon(t *testing.T) {
	here, there := newSite(t), newSite(t)
	var want, got IngestResult
	here.do("ingest.file", IngestArgs{}, &want, clinicFiles(t)...)
	c := daemon(t, there)
	raw, err := c.Do(context.Background(), "ingest.file", IngestArgs{}, &contents{clinicFiles(t)}, &buffer{})
	must(t, err)
	must(t, json.Unmarshal(raw, &got))
	if got.Outcomes != want.Outcomes || got.Files != want.Files {
		t.Errorf("through the daemon %+v in %d files, in process %+v in %d", got.Outcomes, got.Files, want.Outcomes, want.Files)
	}
	if _, err := c.Do(context.Background(), "ingest.status", None{}, NoFiles{}, &buffer{}); err != nil {
		t.Error(err)
	}
	stranger := Client{Dir: there.dir, Token: "nobody's"}
	if _, err := stranger.Do(context.Background(), "ingest.status", None{}, NoFiles{}, &buffer{}); models.KindOf(err) != models.KindRefused {
		t.Errorf("a wrong token over the socket: %v", err)
	}
}

// One folder has one owner: a second daemon is told who answers, and a process without the socket is told who holds the stores.
func TestOneOwner(t *testing.T) {
	s := newSite(t)
	daemon(t, s)
	cfg, err := LoadConfig(s.dir, nil)
	must(t, err)
	if err := Serve(context.Background(), s.dir, cfg, slog.New(slog.NewTextHandler(io.Discard, nil))); models.KindOf(err) != models.KindUnavail {
		t.Errorf("a second daemon: %v", err)
	}
	if a, err := Open(context.Background(), s.dir, cfg, Options{}); models.KindOf(err) != models.KindUnavail {
		t.Errorf("a second owner: %v, %v", a, err)
	}
	must(t, os.Remove(cfg.socketPath(s.dir)))
}
