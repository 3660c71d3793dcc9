package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// Serve opens the folder dir as its owner and answers verbs on its socket until ctx ends. log gets no identifiers.
func Serve(ctx context.Context, dir string, cfg Config, log *slog.Logger) (err error) {
	path := cfg.socketPath(dir)
	l, err := Listen(ctx, path)
	if err != nil {
		return err
	}
	a, err := Open(ctx, dir, cfg, Options{Progress: func(p Progress) { log.Info("opening", "stage", p.Stage, "done", p.Done, "total", p.Total) }})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := a.Pipeline.Fold(ctx); err != nil {
		return errors.Join(fmt.Errorf("fold: %w", err), l.Close())
	}
	log.Info("ready", "socket", path, "version", Version, "pid", os.Getpid())
	err = a.Server(ctx, l)
	log.Info("stopping")
	return err
}
