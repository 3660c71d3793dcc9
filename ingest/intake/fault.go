package intake

import (
	"errors"
	"fmt"
	"syscall"

	"carereach/models"
)

const (
	mendRestore = "restore the intake folder from a backup (carereach backup restore); carereach doctor shows what is sound"
	mendKey     = "give the key folder that belongs to this data folder"
)

// damaged is the error for a log that is not what was written.
func damaged(seg string, block int, what string, cause error) error {
	return &models.Error{Kind: models.KindCorruption, Message: fmt.Sprintf("intake log: segment %s, block %d: %s", seg, block, what), Mend: mendRestore, Cause: cause}
}

// damagedSegment is damaged where no block can be named.
func damagedSegment(seg, what string) error {
	return &models.Error{Kind: models.KindCorruption, Message: "intake log: segment " + seg + ": " + what, Mend: mendRestore}
}

// unwritten is the error for a write that the disk refused. What was acknowledged before is safe.
func unwritten(doing string, cause error) error {
	e := &models.Error{Kind: models.KindUnavail, Message: "intake log: " + doing, Mend: "see to the disk of the data folder, then load again; what was acknowledged is safe", Cause: cause}
	if errors.Is(cause, syscall.ENOSPC) || errors.Is(cause, syscall.EDQUOT) {
		e.Message, e.Mend = "intake log: the disk is full: "+doing, "make space on the disk of the data folder, then load again; what was acknowledged is safe"
	}
	return e
}

func tooLong(record int64, size int) error {
	return &models.Error{Kind: models.KindInvalid, Message: fmt.Sprintf("intake log: record %d has a body of %d bytes, the limit is %d", record, size, MaxBody), Mend: "split it"}
}

func closedLog() error {
	return &models.Error{Kind: models.KindUsage, Message: "intake log: it is closed", Mend: "open it again"}
}
