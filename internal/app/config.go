package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"time"

	"carereach/models"
	"carereach/reports"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
)

// ConfigFile is the name of the configuration file that makes a folder a carereach folder.
const ConfigFile = "carereach.yaml"

// Config is carereach.yaml. Every key can be overridden by an environment variable: CAREREACH_STORE__MEMORY_LIMIT for
// store.memory_limit. Secrets are never in it: keys are files in the folder that Keys names.
type Config struct {
	Tenant       string            `koanf:"tenant" json:"tenant"`             // lower-case name of this installation; part of every token, never changed
	Organisation string            `koanf:"organisation" json:"organisation"` // name on reports
	Zone         string            `koanf:"zone" json:"zone"`                 // IANA zone of the site; as-of dates and local days are in it
	Currency     string            `koanf:"currency" json:"currency"`         // ISO 4217
	PhoneRegion  string            `koanf:"phone_region" json:"phone_region"` // ISO 3166 region for numbers without a country code
	Keys         string            `koanf:"keys" json:"keys"`                 // folder of the key files, outside the data folder
	Source       string            `koanf:"source" json:"source"`             // source name of files loaded without --source
	Socket       string            `koanf:"socket" json:"socket"`             // unix socket of the daemon; relative to the data folder
	AuditSink    string            `koanf:"audit_sink" json:"audit_sink"`     // file of signed audit checkpoints, best on another volume; relative to the data folder
	Store        StoreConfig       `koanf:"store" json:"store"`
	Ingest       IngestConfig      `koanf:"ingest" json:"ingest"`
	ROI          reports.ROIInputs `koanf:"roi" json:"roi"`
}

// StoreConfig bounds what the analytics store may use.
type StoreConfig struct {
	MemoryLimit string `koanf:"memory_limit" json:"memory_limit"` // DuckDB size, "4GB"
	Threads     int    `koanf:"threads" json:"threads"`           // 0: all cores
}

// IngestConfig bounds what a load accepts.
type IngestConfig struct {
	MaxValueBytes int     `koanf:"max_value_bytes" json:"max_value_bytes"` // one resource, event or row; larger ones are quarantined
	StopShare     float64 `koanf:"stop_share" json:"stop_share"`           // share of a batch in quarantine that stops the load
	StopMin       int     `koanf:"stop_min" json:"stop_min"`               // and at least so many inputs of it
}

// DefaultConfig is what init writes and what a key left out means.
func DefaultConfig() Config {
	return Config{
		Organisation: "Our clinic", Zone: "UTC", Currency: "USD", PhoneRegion: "US", Source: "files", Socket: "carereach.sock", AuditSink: "audit-checkpoints.log",
		Store:  StoreConfig{MemoryLimit: "4GB", Threads: runtime.NumCPU()},
		Ingest: IngestConfig{MaxValueBytes: 4 << 20, StopShare: 0.5, StopMin: 100},
		ROI:    reports.DefaultROIInputs(),
	}
}

// LoadConfig reads dir/carereach.yaml over the defaults and the environment over both, and validates the result. A key
// that does not exist is an error that names the nearest one that does.
func LoadConfig(dir string, environ []string) (Config, error) {
	path := filepath.Join(dir, ConfigFile)
	k := koanf.New(".")
	if err := k.Load(structs.Provider(DefaultConfig(), "koanf"), nil); err != nil {
		return Config{}, fmt.Errorf("defaults: %w", err)
	}
	known := k.Keys()
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return Config{}, &models.Error{Kind: models.KindConfig, Message: "no " + ConfigFile + " in " + dir,
				Mend: "run: carereach init DIR, then use --dir DIR or set CAREREACH_DIR"}
		}
		return Config{}, &models.Error{Kind: models.KindConfig, Message: path + " cannot be read as YAML", Mend: "correct the line that the message names", Cause: err}
	}
	err := k.Load(env.Provider(".", env.Opt{Prefix: "CAREREACH_", EnvironFunc: func() []string { return settings(environ) }, TransformFunc: func(key, value string) (string, any) {
		return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "CAREREACH_")), "__", "."), value
	}}), nil)
	if err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	if err := unknownKeys(path, k.Keys(), known); err != nil {
		return Config{}, err
	}
	var c Config
	if err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{Tag: "koanf"}); err != nil {
		return Config{}, &models.Error{Kind: models.KindConfig, Message: path + " has a value of the wrong kind", Mend: "compare with: carereach config print", Cause: err}
	}
	return c, c.Validate(path)
}

// noSettings are variables with our prefix that are no configuration: those of the command line, and of the tests.
var noSettings = regexp.MustCompile(`^CAREREACH_(DIR|TOKEN|SHARED|BENCH_.*|KILL_.*)$`)

// settings keeps the variables that are configuration; an empty one is as good as none.
func settings(environ []string) []string {
	var out []string
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if value != "" && !noSettings.MatchString(name) {
			out = append(out, v)
		}
	}
	return out
}

func unknownKeys(path string, have, known []string) error {
	valid := map[string]bool{}
	for _, k := range known {
		valid[k] = true
	}
	for _, k := range have {
		if !valid[k] {
			return &models.Error{Kind: models.KindConfig, Message: fmt.Sprintf("%s: unknown key %q", path, k), Mend: fmt.Sprintf("did you mean %q? carereach config print shows all keys", nearest(k, known))}
		}
	}
	return nil
}

// nearest gives the known key that shares most two-letter pieces with k.
func nearest(k string, known []string) string {
	score := func(a, b string) int {
		n := 0
		for i := 0; i+2 <= len(a); i++ {
			if strings.Contains(b, a[i:i+2]) {
				n++
			}
		}
		return n*100 - len(b)
	}
	sorted := append([]string(nil), known...)
	sort.SliceStable(sorted, func(i, j int) bool { return score(k, sorted[i]) > score(k, sorted[j]) })
	return sorted[0]
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	codeForm   = regexp.MustCompile(`^[A-Z]{3}$`)
	regionForm = regexp.MustCompile(`^[A-Z]{2}$`)
	sizeForm   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$`)
)

// Validate checks every value; where names the file in messages.
func (c Config) Validate(where string) error {
	bad := func(key, want string) error {
		return &models.Error{Kind: models.KindConfig, Message: where + ": " + key + " is not valid", Mend: "want " + want}
	}
	switch {
	case !nameForm.MatchString(c.Tenant):
		return bad("tenant", "lower-case letters, digits and hyphens")
	case !nameForm.MatchString(c.Source):
		return bad("source", "lower-case letters, digits and hyphens")
	case !codeForm.MatchString(c.Currency):
		return bad("currency", "an ISO 4217 code such as USD")
	case !regionForm.MatchString(c.PhoneRegion):
		return bad("phone_region", "an ISO 3166 code such as US")
	case c.Keys == "" || !filepath.IsAbs(c.Keys):
		return bad("keys", "the absolute path of the key folder, outside the data folder")
	case !sizeForm.MatchString(c.Store.MemoryLimit):
		return bad("store.memory_limit", "a size such as 4GB")
	case c.Store.Threads < 0 || c.Store.Threads > 1024:
		return bad("store.threads", "0 (all cores) to 1024")
	case c.Ingest.MaxValueBytes < 1<<10 || c.Ingest.MaxValueBytes > 64<<20:
		return bad("ingest.max_value_bytes", "1024 to 67108864")
	case c.Ingest.StopShare <= 0 || c.Ingest.StopShare > 1:
		return bad("ingest.stop_share", "a share above 0 and up to 1")
	case c.Ingest.StopMin < 1:
		return bad("ingest.stop_min", "1 or more")
	}
	if _, err := c.Location(); err != nil {
		return bad("zone", "an IANA zone such as America/New_York")
	}
	return c.ROI.Validate(where + ": roi")
}

// Location gives the site's zone.
func (c Config) Location() (*time.Location, error) { return time.LoadLocation(c.Zone) }

// Hash identifies the settings that a run's rows depend on: the zone and the currency.
func (c Config) Hash() string { return hashOf(c.Zone, c.Currency) }

// threads gives the number of threads that 0 stands for.
func (c StoreConfig) threads() int {
	if c.Threads == 0 {
		return runtime.NumCPU()
	}
	return c.Threads
}

// WriteConfig writes a new carereach.yaml with a comment per key; an existing file is left alone and is an error.
func WriteConfig(dir string, c Config) error {
	path := filepath.Join(dir, ConfigFile)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &models.Error{Kind: models.KindConfig, Message: path + " exists", Mend: "this folder is already a carereach folder; choose another"}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = fmt.Fprintf(f, configText, c.Tenant, c.Organisation, c.Zone, c.Currency, c.PhoneRegion, c.Keys, c.Source, c.Socket, c.AuditSink, c.Store.MemoryLimit, c.Store.Threads,
		c.Ingest.MaxValueBytes, c.Ingest.StopShare, c.Ingest.StopMin)
	return errors.Join(err, f.Close())
}

// configText is the file that init writes. The ROI inputs are left to their defaults until someone owns them.
const configText = `# carereach.yaml: one installation. "carereach config print" shows every key with its value.
tenant: %q            # part of every patient token; never change it
organisation: %q      # name on reports
zone: %q              # IANA zone of the site: as-of dates and local days are in it
currency: %q          # ISO 4217
phone_region: %q      # for telephone numbers without a country code
keys: %q              # folder of the key files; keep it, and its backup, apart from the data
source: %q            # name of the source of files loaded without --source
socket: %q            # unix socket of "carereach serve", relative to this folder
audit_sink: %q        # signed checkpoints of the audit trail; best on another volume
store:
  memory_limit: %q
  threads: %d                  # 0: all cores
ingest:
  max_value_bytes: %d     # one resource, event or row; larger ones are quarantined
  stop_share: %g             # a load stops when more than this share of a batch is quarantined
  stop_min: %d               # and at least so many inputs of it
`

// socketPath and sinkPath give the paths that are relative to the data folder.
func (c Config) socketPath(dir string) string { return under(dir, c.Socket) }
func (c Config) sinkPath(dir string) string   { return under(dir, c.AuditSink) }

func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// hashOf names a list of texts; each is counted, so that no two lists run into each other.
func hashOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// keysOf lists the configuration keys with their values, for config print.
func keysOf(c Config) map[string]any {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(c, "koanf"), nil); err != nil {
		panic("app: configuration is not a struct: " + reflect.TypeOf(c).String())
	}
	return k.All()
}
