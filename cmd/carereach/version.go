package main

import (
	"context"
	"runtime"

	"carereach/internal/app"

	"github.com/spf13/cobra"
)

// version is what carereach version prints.
type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func versionCommand(c *cli) *cobra.Command {
	return command("version", "Version and commit of this program", cobra.NoArgs, func(context.Context, []string) error {
		v := version{Version: app.Version, Commit: app.Commit, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
		return showValue(c, v, func(p *page, v version) {
			p.line("carereach %s, commit %s, %s, %s", v.Version, v.Commit, v.Go, v.System)
		})
	})
}
