package app

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"carereach/ingest/intake"
	"carereach/internal/access"
	"carereach/internal/ledger"
	"carereach/models"

	"filippo.io/age"
)

// backupKeyFile is the key that backups are encrypted to. It lies with the other keys, apart from data and backups.
const backupKeyFile = "backup.agekey"

// createBackupKey makes the key that backups are encrypted to.
func createBackupKey(dir string) error {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make backup key: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, backupKeyFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make backup key: %w", err)
	}
	_, err = fmt.Fprintln(f, id)
	return errors.Join(err, f.Sync(), f.Close())
}

func loadBackupKey(dir string) (*age.X25519Identity, error) {
	raw, err := os.ReadFile(filepath.Join(dir, backupKeyFile))
	if err != nil {
		return nil, &models.Error{Kind: models.KindConfig, Message: "the backup key cannot be read", Mend: "put " + backupKeyFile + " back into the key folder", Cause: err}
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, &models.Error{Kind: models.KindConfig, Message: backupKeyFile + " is damaged", Mend: "restore it from the copy of the keys"}
	}
	return id, nil
}

// Manifest is the first file of a backup and says what the others are.
type Manifest struct {
	Format  int       `json:"format"` // 1
	Version string    `json:"version"`
	Tenant  string    `json:"tenant"`
	Made    time.Time `json:"made"`
	Files   []string  `json:"files"`
}

const (
	manifestName = "manifest.json"
	sumsName     = "sha256sums.json"
	ledgerName   = ledger.FileName
)

// BackupResult tells what a backup holds.
type BackupResult struct {
	Manifest
	Bytes int64 `json:"bytes"` // of the files before encryption
}

// backupCreate writes configuration, ledger and intake log to the call's file, encrypted. analytics.duckdb is not in it: it is
// rebuilt from the log. No input is taken meanwhile, so ledger and log are of one moment.
func (c *Call) backupCreate(ctx context.Context, _ None) (BackupResult, error) {
	a := c.app
	if err := a.Guard.Record(ctx, c.Actor, access.Act{Action: "backup.create"}); err != nil {
		return BackupResult{}, err
	}
	id, err := loadBackupKey(a.Config.Keys)
	if err != nil {
		return BackupResult{}, err
	}
	var out BackupResult
	err = a.Ingester.Pause(func() error {
		var err error
		out, err = a.writeBackup(ctx, c.Out, id.Recipient())
		return err
	})
	return out, err
}

func (a *App) writeBackup(ctx context.Context, w io.Writer, to age.Recipient) (out BackupResult, err error) {
	if err := os.MkdirAll(a.tmpDir(), 0o700); err != nil {
		return out, err
	}
	copyPath := filepath.Join(a.tmpDir(), "backup-"+ledgerName)
	if err := errors.Join(removeIfThere(copyPath), a.Ledger.BackupTo(ctx, copyPath)); err != nil {
		return out, fmt.Errorf("copy ledger: %w", err)
	}
	defer func() { err = errors.Join(err, removeIfThere(copyPath)) }()
	files := map[string]string{ledgerName: copyPath, ConfigFile: filepath.Join(a.Dir, ConfigFile), filepath.Base(a.Config.sinkPath(a.Dir)): a.Config.sinkPath(a.Dir)}
	segments, err := os.ReadDir(filepath.Join(a.Dir, intakeDir))
	if err != nil {
		return out, fmt.Errorf("list intake log: %w", err)
	}
	for _, s := range segments {
		if s.Type().IsRegular() {
			files[intakeDir+"/"+s.Name()] = filepath.Join(a.Dir, intakeDir, s.Name())
		}
	}
	out.Manifest = Manifest{Format: 1, Version: Version, Tenant: a.Config.Tenant, Made: a.now().UTC()}
	for name := range files {
		out.Files = append(out.Files, name)
	}
	sort.Strings(out.Files)
	enc, err := age.Encrypt(w, to)
	if err != nil {
		return out, fmt.Errorf("encrypt backup: %w", err)
	}
	pack := tar.NewWriter(enc)
	out.Bytes, err = packFiles(pack, out.Manifest, files)
	return out, errors.Join(err, pack.Close(), enc.Close())
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// packFiles writes the manifest, the files and last their checksums.
func packFiles(pack *tar.Writer, m Manifest, files map[string]string) (int64, error) {
	add := func(name string, size int64, r io.Reader) (string, error) {
		if err := pack.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.Made}); err != nil {
			return "", err
		}
		h := sha256.New()
		_, err := io.Copy(io.MultiWriter(pack, h), io.LimitReader(r, size))
		return hex.EncodeToString(h.Sum(nil)), err
	}
	head, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return 0, err
	}
	if _, err := add(manifestName, int64(len(head)), strings.NewReader(string(head))); err != nil {
		return 0, err
	}
	sums := map[string]string{}
	var total int64
	for _, name := range m.Files {
		size, sum, err := packFile(add, name, files[name])
		if err != nil {
			return total, fmt.Errorf("pack %s: %w", name, err)
		}
		sums[name] = sum
		total += size
	}
	tail, err := json.MarshalIndent(sums, "", " ")
	if err != nil {
		return total, err
	}
	_, err = add(sumsName, int64(len(tail)), strings.NewReader(string(tail)))
	return total, err
}

func packFile(add func(string, int64, io.Reader) (string, error), name, path string) (int64, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, "", err
	}
	sum, err := add(name, info.Size(), f)
	return info.Size(), sum, err
}

// unpack decrypts a backup into dir, which must be empty, and compares every checksum.
func unpack(r io.Reader, id age.Identity, dir string) (Manifest, error) {
	var m Manifest
	broken := func(what string, err error) (Manifest, error) {
		return m, &models.Error{Kind: models.KindCorruption, Message: "the backup " + what, Mend: "use another backup", Cause: err}
	}
	dec, err := age.Decrypt(r, id)
	if err != nil {
		return broken("cannot be decrypted with this backup key, or is damaged", err)
	}
	pack := tar.NewReader(dec)
	have, want := map[string]string{}, map[string]string{}
	for {
		h, err := pack.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return broken("is cut short or damaged", err)
		}
		switch h.Name {
		case manifestName:
			err = json.NewDecoder(pack).Decode(&m)
		case sumsName:
			err = json.NewDecoder(pack).Decode(&want)
		default:
			have[h.Name], err = unpackFile(pack, dir, h.Name)
		}
		if err != nil {
			return broken("is cut short or damaged at "+h.Name, err)
		}
	}
	if m.Format != 1 || len(want) == 0 || len(want) != len(have) {
		return broken("is not whole", nil)
	}
	for name, sum := range want {
		if have[name] != sum {
			return broken("has another content than its checksum says: "+name, nil)
		}
	}
	return m, nil
}

// unpackFile writes one file below dir; a name that leads elsewhere is refused.
func unpackFile(r io.Reader, dir, name string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	if parent := filepath.Dir(filepath.FromSlash(name)); parent != "." {
		if err := root.Mkdir(parent, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	f, err := root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, h), r)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, f.Sync(), f.Close())
}

// BackupChecked is what a verified backup holds.
type BackupChecked struct {
	Manifest Manifest          `json:"manifest"`
	Ledger   ledger.BackupInfo `json:"ledger"`
	Intake   intake.Report     `json:"intake"`
}

// VerifyBackup unpacks a backup into a temporary folder under work, opens what it holds and reads every row and record.
func VerifyBackup(ctx context.Context, r io.Reader, keyDir, work string) (out BackupChecked, err error) {
	dir, err := os.MkdirTemp(work, "carereach-verify-")
	if err != nil {
		return out, fmt.Errorf("make temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return checkUnpacked(ctx, r, keyDir, dir)
}

func checkUnpacked(ctx context.Context, r io.Reader, keyDir, dir string) (out BackupChecked, err error) {
	id, err := loadBackupKey(keyDir)
	if err != nil {
		return out, err
	}
	if out.Manifest, err = unpack(r, id, dir); err != nil {
		return out, err
	}
	keys, err := ledger.LoadKeys(keyDir)
	if err != nil {
		return out, err
	}
	if out.Ledger, err = ledger.VerifyBackupFile(ctx, filepath.Join(dir, ledgerName), keys); err != nil {
		return out, fmt.Errorf("ledger in the backup: %w", err)
	}
	log, err := intake.Open(ctx, filepath.Join(dir, intakeDir), sealer{keys}, intake.Options{})
	if err != nil {
		return out, fmt.Errorf("intake log in the backup: %w", err)
	}
	out.Intake, err = log.Verify(ctx)
	return out, errors.Join(err, log.Close())
}

// RestoreBackup unpacks a backup into dir, which must not exist or be empty, verifies it, and opens the folder, which rebuilds
// analytics.duckdb and replays the retained runs. by names the user of this process who did it.
func RestoreBackup(ctx context.Context, r io.Reader, keyDir, dir, by string, progress func(Progress)) (BackupChecked, error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return BackupChecked{}, &models.Error{Kind: models.KindConfig, Message: dir + " is not empty", Mend: "restore into a new folder, then move it into place"}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return BackupChecked{}, fmt.Errorf("make data folder: %w", err)
	}
	out, err := checkUnpacked(ctx, r, keyDir, dir)
	if err != nil {
		return out, err
	}
	if err := setKeys(filepath.Join(dir, ConfigFile), keyDir); err != nil {
		return out, err
	}
	cfg, err := LoadConfig(dir, os.Environ())
	if err != nil {
		return out, err
	}
	a, err := Open(ctx, dir, cfg, Options{AcceptOlder: by, Progress: progress})
	if err != nil {
		return out, fmt.Errorf("open the restored folder: %w", err)
	}
	_, err = a.Ledger.AppendAudit(ctx, ledger.AuditEntry{Actor: by, Action: "backup.restore", Detail: "backup made " + out.Manifest.Made.Format(time.RFC3339)})
	return out, errors.Join(err, a.Close())
}

// setKeys makes a restored configuration name the folder that its keys are in now.
func setKeys(path, keyDir string) error {
	abs, err := filepath.Abs(keyDir)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read restored configuration: %w", err)
	}
	lines := strings.Split(string(raw), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "keys:") {
			lines[i] = fmt.Sprintf("keys: %q", abs)
		}
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600)
}
