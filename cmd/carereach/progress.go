package main

import (
	"io"
	"os"
	"time"

	"carereach/internal/app"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far a verb has come, on standard error, and only when that is a terminal.
type progress struct {
	err   io.Writer // nil: nobody is looking
	total int64     // bytes of the files being read; 0 unknown
	stage string
	bar   *progressbar.ProgressBar
}

func newProgress(e env, total int64) *progress {
	f, ok := e.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || e.get("TERM") == "dumb" {
		return &progress{}
	}
	return &progress{err: f, total: total}
}

// Progress draws the bar of the stage that the verb is in.
func (p *progress) Progress(at app.Progress) {
	if p.err == nil {
		return
	}
	total := at.Total
	if total == 0 && at.Unit == "bytes" {
		total = p.total
	}
	if total <= 0 {
		total = -1
	}
	if p.bar == nil || at.Stage != p.stage {
		p.done()
		p.stage = at.Stage
		p.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(p.err), progressbar.OptionSetDescription(at.Stage), progressbar.OptionShowBytes(at.Unit == "bytes"),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionEnableColorCodes(false), progressbar.OptionSetWidth(30))
	}
	if total > 0 {
		p.bar.ChangeMax64(total)
	}
	_ = p.bar.Set64(at.Done) // a bar that cannot be drawn must not stop a load
}

// done takes the bar away.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear() // as above
		p.bar = nil
	}
}

// sink is where the file and the progress of a verb go.
type sink struct {
	io.Writer
	*progress
}
