package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carereach/models"
)

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ConfigFile), []byte(text), 0o600))
	return dir
}

const soundConfig = "tenant: north\nkeys: /etc/carereach/keys\n"

// A typo names the file, the key and the key that was meant; nothing is guessed.
func TestConfigTypo(t *testing.T) {
	_, err := LoadConfig(writeConfig(t, soundConfig+"zoen: America/New_York\n"), nil)
	if models.KindOf(err) != models.KindConfig || !strings.Contains(err.Error(), `"zoen"`) || !strings.Contains(err.Error(), `"zone"`) {
		t.Errorf("got %v", err)
	}
	_, err = LoadConfig(writeConfig(t, soundConfig+"store:\n  memory_limt: 2GB\n"), nil)
	if models.KindOf(err) != models.KindConfig || !strings.Contains(err.Error(), `"store.memory_limit"`) {
		t.Errorf("a nested typo: %v", err)
	}
}

func TestConfigValues(t *testing.T) {
	for _, bad := range []string{"tenant: North Clinic\n", "zone: Mars/Base\n", "currency: dollars\n", "phone_region: usa\n", "keys: relative/keys\n", "store: {memory_limit: lots}\n",
		"store: {threads: -1}\n", "ingest: {stop_share: 2}\n", "ingest: {stop_min: 0}\n", "ingest: {max_value_bytes: 1}\n", "roi: {share_sms: 3}\n", "store: {threads: many}\n"} {
		key, _, _ := strings.Cut(bad, ":")
		base := strings.ReplaceAll(soundConfig, key+": ", "#")
		if _, err := LoadConfig(writeConfig(t, base+bad), nil); models.KindOf(err) != models.KindConfig {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, broken := range []string{"tenant: [\n", "\tx", "- a\n- b\n"} {
		if _, err := LoadConfig(writeConfig(t, broken), nil); models.KindOf(err) != models.KindConfig {
			t.Errorf("%q: %v", broken, err)
		}
	}
	if _, err := LoadConfig(t.TempDir(), nil); models.KindOf(err) != models.KindConfig || !strings.Contains(err.Error(), "carereach init") {
		t.Errorf("no file: %v", err)
	}
}

// The file beats the defaults, the environment beats the file; CAREREACH_DIR and CAREREACH_TOKEN are no settings.
func TestConfigLayers(t *testing.T) {
	dir := writeConfig(t, soundConfig+"zone: America/Chicago\nstore:\n  memory_limit: 2GB\n")
	c, err := LoadConfig(dir, []string{"CAREREACH_STORE__MEMORY_LIMIT=3GB", "CAREREACH_DIR=/somewhere", "CAREREACH_TOKEN=secret", "PATH=/bin"})
	must(t, err)
	if c.Zone != "America/Chicago" || c.Store.MemoryLimit != "3GB" || c.Currency != "USD" || c.Tenant != "north" {
		t.Errorf("got %+v", c)
	}
	if _, err := LoadConfig(dir, []string{"CAREREACH_STORE__MEMRY=3GB"}); models.KindOf(err) != models.KindConfig {
		t.Errorf("a typo in the environment: %v", err)
	}
}

// What init writes is read back as it was, with every key known.
func TestWrittenConfigReadsBack(t *testing.T) {
	c := DefaultConfig()
	c.Tenant, c.Keys, c.Organisation = "north", "/etc/carereach/keys", `Clinic "North": 24 h # open`
	dir := t.TempDir()
	must(t, WriteConfig(dir, c))
	got, err := LoadConfig(dir, nil)
	must(t, err)
	if got != c {
		t.Errorf("read back %+v, want %+v", got, c)
	}
	if err := WriteConfig(dir, c); models.KindOf(err) != models.KindConfig {
		t.Errorf("a second write: %v", err)
	}
	if len(keysOf(c)) < 20 {
		t.Errorf("config print shows %d keys", len(keysOf(c)))
	}
}

// Keys inside the data folder are refused at init, and doctor fails when they lie beside it.
func TestKeysBesideTheData(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "data")
	_, err := Init(t.Context(), dir, InitArgs{Tenant: "t", Keys: filepath.Join(dir, "keys"), User: "u", UID: os.Getuid()})
	if models.KindOf(err) != models.KindConfig {
		t.Errorf("keys inside the data folder: %v", err)
	}
	cfg, err := Init(t.Context(), dir, InitArgs{Tenant: "t", Keys: filepath.Join(root, "keys"), User: "u", UID: os.Getuid()})
	must(t, err)
	a, err := Open(t.Context(), dir, cfg, Options{})
	must(t, err)
	defer a.Close()
	var d Diagnosis
	a.checkKeys(&d)
	if d.Failed != 1 {
		t.Errorf("doctor says %+v", d.Rows)
	}
	must(t, os.Chmod(filepath.Join(root, "keys", backupKeyFile), 0o644))
	var open Diagnosis
	a.checkKeys(&open)
	if open.Failed != 2 {
		t.Errorf("a key that others may read: %+v", open.Rows)
	}
	if _, err := Init(t.Context(), dir, InitArgs{Tenant: "t", Keys: filepath.Join(root, "more"), User: "u", UID: os.Getuid()}); models.KindOf(err) != models.KindConfig {
		t.Errorf("a second init: %v", err)
	}
}

// Another installation's keys open nothing, and say so before anything is read.
func TestWrongKeys(t *testing.T) {
	one, other := newSite(t), newSite(t)
	one.close()
	cfg, err := LoadConfig(one.dir, nil)
	must(t, err)
	must(t, os.RemoveAll(other.keys))
	_, err = Init(t.Context(), filepath.Join(t.TempDir(), "x"), InitArgs{Tenant: "t", Keys: other.keys, User: "u", UID: os.Getuid()})
	must(t, err)
	cfg.Keys = other.keys
	if _, err := Open(t.Context(), one.dir, cfg, Options{}); models.KindOf(err) != models.KindConfig {
		t.Errorf("wrong keys: %v", err)
	}
	cfg.Keys = filepath.Join(t.TempDir(), "none")
	if _, err := Open(t.Context(), one.dir, cfg, Options{}); models.KindOf(err) != models.KindConfig {
		t.Errorf("no keys: %v", err)
	}
}
