package pipeline

import "carereach/models"

// The named points of folding, running and publishing at which Options.Hooks is called, in order. A crash at any of them
// leaves every published run whole and every unpublished one absent.
const (
	HookFoldBegun      = "fold.begun"        // in the fold's transaction, nothing written
	HookFoldPersons    = "fold.persons"      // merges are applied
	HookFoldType       = "fold.type"         // a fact type is folded
	HookFoldDone       = "fold.done"         // all is written, nothing committed
	HookFoldCommitted  = "fold.committed"    // the fold stands
	HookRunStarted     = "run.started"       // the register knows the run
	HookRunComputed    = "run.computed"      // all relations are made and checked
	HookPublishBegun   = "publish.begun"     // in the publishing transaction, nothing written
	HookPublishTable   = "publish.table."    // + name of the table: its rows are written
	HookPublishRun     = "publish.run"       // the row of pub.run is written
	HookPublishPointer = "publish.pointer"   // the pointer is written, nothing committed
	HookPublished      = "publish.committed" // the run stands, the register does not know
	HookRunFinished    = "run.finished"      // the register knows
)

// HookPoints lists every point in order, the tables of publishing one by one.
func HookPoints() []string {
	out := []string{HookFoldBegun, HookFoldPersons, HookFoldType, HookFoldDone, HookFoldCommitted, HookRunStarted, HookRunComputed, HookPublishBegun}
	for _, t := range models.Published {
		out = append(out, HookPublishTable+t.Name)
	}
	return append(out, HookPublishRun, HookPublishPointer, HookPublished, HookRunFinished)
}
