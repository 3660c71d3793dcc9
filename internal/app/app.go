package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"carereach/ingest"
	"carereach/ingest/intake"
	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/internal/store"
	"carereach/models"
	"carereach/pipeline"
)

// Version and Commit are set by the linker.
var (
	Version = "0.0.0"
	Commit  = "unknown"
)

// The names inside a carereach folder.
const (
	storeFile  = "analytics.duckdb"
	scratchDir = "scratch"
	intakeDir  = "intake"
)

// App owns both stores and the log of one carereach folder. Its verbs may run side by side; writers take turns.
type App struct {
	Dir      string
	Config   Config
	Store    *store.Store
	Ledger   *ledger.Ledger
	Log      *intake.Log
	Guard    *access.Guard
	Ingester *ingest.Ingester
	Pipeline *pipeline.Pipeline

	now   func() time.Time
	hooks func(point string)
}

// Options are what tests and a few verbs choose.
type Options struct {
	Now         func() time.Time   // nil: time.Now
	Hooks       func(point string) // called at the named points of loading and publishing, for crash tests
	AcceptOlder string             // user who restored an older ledger, see ledger.Options
	Progress    func(Progress)     // of a rebuild while opening; nil: nothing
}

// Open opens the folder dir as its only owner. When analytics.duckdb is absent and the intake log is not, the store is
// rebuilt from the log and the retained runs are published again and compared.
func Open(ctx context.Context, dir string, cfg Config, o Options) (*App, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hooks == nil {
		o.Hooks = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	a := &App{Dir: dir, Config: cfg, now: o.Now, hooks: o.Hooks}
	if err := a.open(ctx, o); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) open(ctx context.Context, o Options) error {
	keys, err := ledger.LoadKeys(a.Config.Keys)
	if err != nil {
		return fmt.Errorf("load keys: %w", err)
	}
	if a.Ledger, err = ledger.Open(ctx, ledger.Options{Dir: a.Dir, Sink: a.Config.sinkPath(a.Dir), Keys: keys, PhoneRegion: a.Config.PhoneRegion, Now: a.now, AcceptOlder: o.AcceptOlder}); err != nil {
		return fmt.Errorf("open ledger: %w", err)
	}
	a.Guard = access.New(a.Ledger)
	if a.Log, err = intake.Open(ctx, filepath.Join(a.Dir, intakeDir), sealer{keys}, intake.Options{Now: a.now, Hooks: a.hooks}); err != nil {
		return fmt.Errorf("open intake log: %w", err)
	}
	if a.Store, err = store.Open(ctx, store.Options{Path: filepath.Join(a.Dir, storeFile), ScratchDir: filepath.Join(a.Dir, scratchDir), MemoryLimit: a.Config.Store.MemoryLimit,
		Threads: a.Config.Store.threads(), Now: a.now}); err != nil {
		return fmt.Errorf("open analytics store: %w", err)
	}
	if a.Ingester, err = ingest.New(ctx, a.Store, a.Ledger, a.Log, ingest.Options{Tenant: a.Config.Tenant, MaxValueBytes: a.Config.Ingest.MaxValueBytes, Workers: a.Config.Store.threads(),
		StopShare: a.Config.Ingest.StopShare, StopMin: a.Config.Ingest.StopMin, Hooks: a.hooks}); err != nil {
		return err
	}
	a.Pipeline = pipeline.New(a.Store, pipeline.InLedger(a.Ledger), pipeline.Options{Zone: a.Config.Zone, ConfigHash: a.Config.Hash(), Now: a.now, Hooks: a.hooks})
	return a.rebuild(ctx, o.Progress)
}

// sealer gives the intake log its key.
type sealer struct{ keys *ledger.Keys }

func (s sealer) Seal(aad, plain []byte) []byte { return s.keys.Seal("intake", aad, plain) }
func (s sealer) Open(aad, sealed []byte) ([]byte, error) {
	return s.keys.Open("intake", aad, sealed)
}
func (s sealer) KeyID() string { return s.keys.KeyID() }

// rebuild fills an empty analytics store from a log that is not, and replays the retained runs.
func (a *App) rebuild(ctx context.Context, progress func(Progress)) error {
	st, err := a.Ingester.Status(ctx)
	if err != nil {
		return err
	}
	lost, err := a.lost(ctx, st.Read)
	if err != nil || !lost {
		return err
	}
	if err := a.Ledger.SetSetting(ctx, settingRebuild, "pending"); err != nil {
		return err
	}
	_, err = a.Ingester.Drain(ctx, ingest.DrainOptions{AcceptQuarantine: true, Progress: func(next, end int64) {
		progress(Progress{Stage: "rebuild", Done: next, Total: end, Unit: "records"})
	}})
	if err != nil {
		return fmt.Errorf("rebuild analytics store: %w", err)
	}
	results, err := a.Pipeline.Replay(ctx)
	for _, r := range results {
		progress(Progress{Stage: "replay of " + r.AsOf.String() + ": " + r.Outcome, Unit: "runs"})
	}
	says := ""
	if models.KindOf(err) == models.KindPartial && err != nil {
		// Said aloud by doctor and analyze; a run that cannot be made again must not keep the rest from being used.
		says, err = err.Error(), nil
	}
	if err != nil {
		return fmt.Errorf("replay retained runs: %w", err)
	}
	return errors.Join(a.Ledger.SetSetting(ctx, settingReplay, says), a.Ledger.SetSetting(ctx, settingRebuild, ""))
}

// lost reports whether the store has to be filled from the log: it is empty although it had read before, or an earlier
// rebuild did not come to its end. A first load that was stopped is neither.
func (a *App) lost(ctx context.Context, read int64) (bool, error) {
	pending, _, err := a.Ledger.Setting(ctx, settingRebuild)
	if err != nil || pending != "" {
		return pending != "", err
	}
	_, before, err := a.Ledger.Setting(ctx, settingLoaded)
	return before && read == 0 && a.Log.End() > a.Log.Start(), err
}

// drain takes what waits in the log, and notes that the store has read from it.
func (a *App) drain(ctx context.Context, o ingest.DrainOptions) (ingest.Report, error) {
	rep, err := a.Ingester.Drain(ctx, o)
	if rep.Next == 0 {
		return rep, err
	}
	_, noted, serr := a.Ledger.Setting(ctx, settingLoaded)
	if serr == nil && !noted {
		serr = a.Ledger.SetSetting(ctx, settingLoaded, "yes")
	}
	return rep, errors.Join(err, serr)
}

// The settings that tell a store that was lost from one that never held anything.
const (
	settingLoaded  = "store.loaded"  // set once anything of the log was committed
	settingRebuild = "store.rebuild" // "pending" from the beginning of a rebuild to its end
)

// settingReplay holds what the last replay could not make again; empty when everything came out equal.
const settingReplay = "replay.differs"

// Close closes what Open opened, in reverse order. It waits for running transactions.
func (a *App) Close() error {
	var errs []error
	if a.Store != nil {
		errs = append(errs, a.Store.Checkpoint(context.Background()), a.Store.Close())
	}
	if a.Log != nil {
		errs = append(errs, a.Log.Close())
	}
	if a.Ledger != nil {
		errs = append(errs, a.Ledger.Close())
	}
	return errors.Join(errs...)
}

// InitArgs are the choices made when a folder becomes a carereach folder.
type InitArgs struct {
	Tenant, Organisation, Zone, Currency, Keys string
	User                                       string // name of the first user; the id is the operating system's
	UID                                        int
	DemoSeed                                   string // the demo alone derives its keys from a seed
}

// Init makes dir a carereach folder: configuration, keys outside it, an empty ledger with its first user. A folder that is
// one already is left alone.
func Init(ctx context.Context, dir string, in InitArgs) (Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Config{}, fmt.Errorf("data folder: %w", err)
	}
	cfg := DefaultConfig()
	cfg.Tenant, cfg.Keys = in.Tenant, in.Keys
	for _, v := range []struct {
		to   *string
		from string
	}{{&cfg.Organisation, in.Organisation}, {&cfg.Zone, in.Zone}, {&cfg.Currency, in.Currency}} {
		if v.from != "" {
			*v.to = v.from
		}
	}
	if cfg.Keys == "" {
		if cfg.Keys, err = defaultKeys(dir); err != nil {
			return cfg, err
		}
	}
	if err := cfg.Validate("init"); err != nil {
		return cfg, err
	}
	if inside(dir, cfg.Keys) {
		return cfg, &models.Error{Kind: models.KindConfig, Message: "the key folder lies inside the data folder", Mend: "choose another with --keys: whoever takes a copy of the data must not get the keys with it"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return cfg, fmt.Errorf("make data folder: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, ConfigFile)); err == nil {
		return cfg, &models.Error{Kind: models.KindConfig, Message: dir + " is a carereach folder already", Mend: "choose another folder"}
	}
	return cfg, initStores(ctx, dir, cfg, in)
}

// initStores makes keys, ledger, first user and at last the configuration, which is what makes the folder one.
func initStores(ctx context.Context, dir string, cfg Config, in InitArgs) error {
	make := func() error { return ledger.CreateKeys(cfg.Keys) }
	if in.DemoSeed != "" {
		make = func() error { return ledger.CreateDemoKeys(cfg.Keys, in.DemoSeed) }
	}
	if err := make(); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := createBackupKey(cfg.Keys); err != nil {
		return err
	}
	keys, err := ledger.LoadKeys(cfg.Keys)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Options{Dir: dir, Sink: cfg.sinkPath(dir), Keys: keys, PhoneRegion: cfg.PhoneRegion})
	if err != nil {
		return err
	}
	uid := in.UID
	_, err = access.New(l).Bootstrap(ctx, ledger.User{ID: userID(in.User, uid), Name: in.User, UID: &uid, Role: "administrator"})
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	return WriteConfig(dir, cfg)
}

// userID makes the id of a user from a name and uid.
func userID(name string, uid int) models.UserID {
	if nameForm.MatchString(name) {
		return models.UserID(name)
	}
	return models.UserID(fmt.Sprintf("uid-%d", uid))
}

// defaultKeys is where keys lie unless --keys says otherwise: in the user's configuration folder, never beside the data.
func defaultKeys(dir string) (string, error) {
	base, err := os.UserConfigDir()
	if err != nil {
		return "", &models.Error{Kind: models.KindConfig, Message: "no place for the keys", Mend: "name a folder outside the data folder with --keys", Cause: err}
	}
	return filepath.Join(base, "carereach", hashOf(dir)[:12], "keys"), nil
}

// inside reports whether path lies in dir.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !hasDotDot(rel)
}

func hasDotDot(rel string) bool {
	return len(rel) >= 3 && rel[:3] == ".."+string(filepath.Separator)
}
