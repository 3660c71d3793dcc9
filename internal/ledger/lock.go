package ledger

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"carereach/models"

	"golang.org/x/sys/unix"
)

// lockName is the file whose lock says that a process owns the ledger; it holds that process's id.
const lockName = "ledger.lock"

// takeLock makes this process the owner of the ledger in dir. The lock goes away with the process, however it ends.
func takeLock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault("make "+lockName, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(lockFault(f, err), f.Close())
	}
	if err = errors.Join(f.Truncate(0), writeAt(f, strconv.Itoa(os.Getpid())+"\n")); err != nil {
		return nil, errors.Join(fault("write "+lockName, err), f.Close())
	}
	return f, nil
}

// giveBack ends the lock. It is ended by name, because a program being started elsewhere in this process may hold a copy of f
// for a moment.
func giveBack(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func lockFault(f *os.File, err error) error {
	if !errors.Is(err, unix.EWOULDBLOCK) {
		return fault("lock the ledger", err)
	}
	owner := "another process"
	if b, readErr := io.ReadAll(io.LimitReader(f, 20)); readErr == nil {
		if pid := strings.TrimSpace(string(b)); pid != "" {
			owner = "process " + pid
		}
	}
	return &models.Error{Kind: models.KindUnavail, Message: "the ledger is in use by " + owner, Mend: "stop it first, or let it answer over its socket (carereach serve)"}
}
