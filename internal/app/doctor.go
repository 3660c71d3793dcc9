package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"carereach/models"
)

// Finding is one thing that doctor looked at.
type Finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warning, failed
	Says  string `json:"says"`
	Mend  string `json:"mend,omitempty"`
}

// Diagnosis is everything doctor looked at. Failed findings make the verb fail.
type Diagnosis struct {
	Failed   int       `json:"failed"`
	Warnings int       `json:"warnings"`
	Rows     []Finding `json:"rows"`
}

func (d *Diagnosis) say(check, state, says, mend string) {
	d.Rows = append(d.Rows, Finding{Check: check, State: state, Says: says, Mend: mend})
	switch state {
	case "failed":
		d.Failed++
	case "warning":
		d.Warnings++
	}
}

func (c *Call) doctor(ctx context.Context, _ None) (Diagnosis, error) {
	a := c.app
	d := Diagnosis{}
	a.checkKeys(&d)
	a.checkFolder(&d)
	if err := a.checkStores(ctx, &d); err != nil {
		return d, err
	}
	if err := a.checkData(ctx, &d); err != nil {
		return d, err
	}
	if d.Failed > 0 {
		return d, &models.Error{Kind: models.KindInternal, Message: fmt.Sprintf("%d checks failed", d.Failed), Mend: "each failed check says how to mend it"}
	}
	return d, nil
}

// checkKeys fails when the keys lie beside the data or may be read by others.
func (a *App) checkKeys(d *Diagnosis) {
	dir, _ := filepath.Abs(a.Dir)
	if inside(dir, a.Config.Keys) || filepath.Dir(a.Config.Keys) == filepath.Dir(dir) {
		d.say("keys apart from data", "failed", "the key folder lies beside the data: whoever copies one copies both", "move it to another place, best another volume, and set keys in "+ConfigFile)
	} else {
		d.say("keys apart from data", "ok", "keys lie elsewhere", "")
	}
	entries, err := os.ReadDir(a.Config.Keys)
	if err != nil {
		d.say("key files", "failed", "the key folder cannot be read", "give this user the right to read it")
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			d.say("key files", "failed", e.Name()+" may be read by others", "chmod 600 it")
			return
		}
	}
	d.say("key files", "ok", fmt.Sprintf("%d files, for this user only", len(entries)), "")
}

// minFree is the space below which a load is refused by the stores' own needs.
const minFree = 1 << 30

func (a *App) checkFolder(d *Diagnosis) {
	if info, err := os.Stat(a.Dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		d.say("data folder", "warning", "others may enter the data folder", "chmod 700 it")
	} else {
		d.say("data folder", "ok", "for this user only", "")
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(a.Dir, &fs); err != nil {
		d.say("free space", "warning", "cannot be told", "look at df")
	} else if free := fs.Bavail * uint64(fs.Bsize); free < minFree {
		d.say("free space", "failed", fmt.Sprintf("%d MB left", free>>20), "free at least 1 GB: loads and reports need room for temporary files")
	} else {
		d.say("free space", "ok", fmt.Sprintf("%d GB", free>>30), "")
	}
	d.say("encryption at rest", "warning", "identifiers are sealed; whether the volume is encrypted cannot be verified from here", "keep the data folder on an encrypted volume")
	if t := a.now(); t.Year() < 2025 {
		d.say("clock", "failed", "the clock says "+t.UTC().Format(time.DateOnly), "set the time")
	} else {
		d.say("clock", "ok", t.UTC().Format(time.RFC3339), "")
	}
}

func (a *App) checkStores(ctx context.Context, d *Diagnosis) error {
	h, err := a.Store.Health(ctx)
	if err != nil {
		return fmt.Errorf("health of the analytics store: %w", err)
	}
	switch {
	case h.Invalid != "":
		d.say("analytics store", "failed", "the engine refuses work", "free disk space and start again")
	case !h.Locked:
		d.say("analytics store", "failed", "the engine is not locked down", "report this")
	case len(h.RebuildNeeded) > 0:
		d.say("analytics store", "warning", strings.Join(h.RebuildNeeded, ", ")+" are empty in rows stored by an older version", "stop, delete analytics.duckdb, start: it is rebuilt from the log")
	default:
		d.say("analytics store", "ok", fmt.Sprintf("DuckDB %s, schema %d, %d MB", h.Engine, h.SchemaVersion, h.FileBytes>>20), "")
	}
	l, err := a.Ledger.Health(ctx)
	if err != nil {
		return fmt.Errorf("health of the ledger: %w", err)
	}
	if l.Journal != "wal" || l.Synchronous != "full" {
		d.say("ledger", "failed", "journal "+l.Journal+", synchronous "+l.Synchronous, "report this: the ledger must be WAL and FULL")
	} else {
		d.say("ledger", "ok", fmt.Sprintf("WAL, FULL, schema %d, %d audit rows", l.Schema, l.AuditSeq), "")
	}
	if _, err := a.Ledger.VerifyAudit(ctx); err != nil {
		d.say("audit trail", "failed", err.Error(), "stop using this installation and look into it: somebody or something changed the trail")
	} else {
		d.say("audit trail", "ok", "whole, and as the checkpoints say", "")
	}
	if dir, sink := filepath.Clean(a.Dir), filepath.Dir(a.Config.sinkPath(a.Dir)); dir == sink {
		d.say("audit checkpoints", "warning", "the second sink lies in the data folder", "set audit_sink to a file on another volume")
	}
	if r := a.Log.Recovered(); r != nil {
		d.say("intake log", "warning", "a load was cut short by a crash; its last step was taken back", "load those files again: what is in already counts as duplicate")
	} else {
		d.say("intake log", "ok", fmt.Sprintf("%d records", a.Log.End()), "")
	}
	return nil
}

func (a *App) checkData(ctx context.Context, d *Diagnosis) error {
	st, err := a.Ingester.Status(ctx)
	if err != nil {
		return err
	}
	if st.Read < st.End {
		d.say("records waiting", "warning", fmt.Sprintf("%d records of the log are not loaded yet", st.End-st.Read), "carereach ingest file --accept-quarantine, or look at the reason it stopped for")
	}
	if st.Quarantined > 0 {
		d.say("quarantine", "warning", fmt.Sprintf("%d inputs set aside", st.Quarantined), "carereach ingest dlq list says why")
	} else {
		d.say("quarantine", "ok", "empty", "")
	}
	if st.Stubs > 0 {
		d.say("patients", "warning", fmt.Sprintf("%d of %d patients are named by facts and have not arrived themselves", st.Stubs, st.Patients), "load the Patient resources of that source")
	} else {
		d.say("patients", "ok", fmt.Sprintf("%d", st.Patients), "")
	}
	differs, _, err := a.Ledger.Setting(ctx, settingReplay)
	if err != nil {
		return err
	}
	if differs != "" {
		d.say("retained runs", "warning", differs, "analyze those dates again; runs made before an erasure or by another version cannot be made again")
	}
	return nil
}
