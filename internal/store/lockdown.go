package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"carereach/models"
)

// defaultScratchLimit bounds spill and scratch databases when the site says nothing.
const defaultScratchLimit = "20GB"

// setting is one engine setting and what the engine must report once it is in force; an empty want is not compared.
type setting struct{ name, value, want string }

// settings lists what is set, in this order; external access goes near the end because nothing can be allowed after it,
// and the lock last. The scratch folder is the one place where the engine may then open files by name.
func settings(opts Options) []setting {
	list := []setting{
		{"TimeZone", "'UTC'", "UTC"},
		{"checkpoint_threshold", "'1GB'", ""}, // checkpoints are ours to place, see Store.Checkpoint
		{"autoinstall_known_extensions", "false", "false"},
		{"autoload_known_extensions", "false", "false"},
		{"allow_community_extensions", "false", "false"},
		{"allow_persistent_secrets", "false", "false"},
	}
	if opts.MemoryLimit != "" {
		list = append(list, setting{"memory_limit", literal(opts.MemoryLimit), ""})
	}
	if opts.Threads > 0 {
		list = append(list, setting{"threads", strconv.Itoa(opts.Threads), strconv.Itoa(opts.Threads)})
	}
	if opts.ScratchDir != "" {
		list = append(list,
			setting{"temp_directory", literal(spillDir(opts)), spillDir(opts)},
			setting{"max_temp_directory_size", literal(opts.ScratchLimit), ""},
			setting{"allowed_directories", "[" + literal(opts.ScratchDir+string(filepath.Separator)) + "]", ""})
	} else {
		list = append(list, setting{"temp_directory", "''", ""})
	}
	return append(list, setting{"enable_external_access", "false", "false"}, setting{"lock_configuration", "true", "true"})
}

// lockDown applies the settings to the whole engine and reads them back. After it no statement can reach a file outside
// the scratch folder, the network or an extension, nor change a setting. An engine that is locked already belongs to
// another Store of this process.
func lockDown(ctx context.Context, conn *sql.Conn, opts Options) error {
	locked, err := isLocked(ctx, conn)
	if err != nil {
		return err
	}
	if locked {
		return &models.Error{Kind: models.KindUnavail, Message: "analytics store is already open in this process", Mend: "close it first"}
	}
	list := settings(opts)
	for _, s := range list {
		if _, err := conn.ExecContext(ctx, "SET GLOBAL "+s.name+" = "+s.value); err != nil {
			return fmt.Errorf("set %s: %w", s.name, explain(err))
		}
	}
	for _, s := range list {
		var is string
		if err := conn.QueryRowContext(ctx, "SELECT CAST(current_setting($1) AS VARCHAR)", s.name).Scan(&is); err != nil {
			return fmt.Errorf("read setting %s: %w", s.name, explain(err))
		}
		if s.want != "" && is != s.want {
			return &models.Error{Kind: models.KindInternal, Message: "engine did not take the setting " + s.name, Mend: "do not use this build"}
		}
	}
	return nil
}

func isLocked(ctx context.Context, conn *sql.Conn) (bool, error) {
	var locked bool
	err := conn.QueryRowContext(ctx, "SELECT current_setting('lock_configuration')").Scan(&locked)
	return locked, explain(err)
}

// spillDir is where the engine puts what does not fit in memory.
func spillDir(opts Options) string { return filepath.Join(opts.ScratchDir, "spill") }

// literal writes s as an SQL string. Only for statements that take no parameters: SET, ATTACH.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B)$`)

// parseSize reads "4GB" or "512MiB" as bytes, the way the engine does.
func parseSize(option, s string) (int64, error) {
	m := sizePattern.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, &models.Error{Kind: models.KindConfig, Message: option + " is not a size", Mend: "write it like 4GB or 512MiB"}
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil || n <= 0 {
		return 0, &models.Error{Kind: models.KindConfig, Message: option + " is not a size above zero", Mend: "write it like 4GB or 512MiB"}
	}
	base := 1000.0
	if strings.HasSuffix(m[2], "iB") {
		base = 1024
	}
	for range strings.IndexByte("KMGT", m[2][0]) + 1 {
		n *= base
	}
	return int64(n), nil
}
