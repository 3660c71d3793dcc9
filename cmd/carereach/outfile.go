package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"carereach/models"
)

// writeFile lets fill write a file and puts it in place only when it is whole: it is written under another name in the same
// folder, synced and renamed. When anything fails, nothing is left behind and what was at path before is still there. The
// file is for its owner only, because lists and backups hold patients' data.
func writeFile(path string, fill func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return usage(path+" is not a file", "name a file with --out")
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.part") // made with mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		return &models.Error{Kind: models.KindNotFound, Message: "no folder " + folder, Mend: "make it first"}
	}
	if err != nil {
		return outFault(path, err)
	}
	out := &outFile{path: path, to: f}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	buf := bufio.NewWriterSize(out, 1<<18)
	err = fill(buf)
	if err == nil {
		err = buf.Flush()
	}
	if out.fault != nil {
		err = out.fault // what came of it says less
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return outFault(path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return outFault(path, err)
	}
	return syncFolder(folder)
}

// syncFolder makes a rename in the folder durable.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("sync %s: %w", folder, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// outFile remembers the first fault of writing, however the writers above it report it.
type outFile struct {
	path  string
	to    io.Writer
	fault error
}

func (o *outFile) Write(b []byte) (int, error) {
	n, err := o.to.Write(b)
	if err != nil && o.fault == nil {
		o.fault = outFault(o.path, err)
	}
	return n, err
}

func outFault(path string, err error) error {
	kind, what, mend := models.KindInternal, "cannot be written", "see what the message says about the folder; nothing was left there"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind, what, mend = models.KindUnavail, "cannot be written because the disk is full", "free some space or name a file on another disk with --out; nothing was left there"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind, what, mend = models.KindRefused, "may not be written by this user", "name a file in a folder of yours with --out"
	}
	return &models.Error{Kind: kind, Message: path + " " + what, Mend: mend, Cause: err}
}
