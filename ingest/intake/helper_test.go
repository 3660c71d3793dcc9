package intake

import (
	"errors"
	"os"

	"carereach/models"
)

func asModels(err error, target **models.Error) bool { return errors.As(err, target) }

// tempDir is t.TempDir for the Ts that have none.
func tempDir(t interface {
	Fatal(...any)
	Cleanup(func())
}) string {
	dir, err := os.MkdirTemp("", "intake")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
