package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"

	"carereach/models"
	"carereach/sql"
)

// CodeHash names the code that makes rows: every relation, function and starter value set embedded in the binary, the
// rules of folding and the tables of models.
func CodeHash() string { return codeHash(sql.Files) }

func codeHash(fsys fs.FS) string {
	h := sha256.New()
	for _, layer := range append(slices.Clone(layers), "functions", "valuesets") {
		// A folder that cannot be read is one that readPlan refuses; here it only has to change the hash.
		err := fs.WalkDir(fsys, layer, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := fs.ReadFile(fsys, name)
			fmt.Fprintf(h, "%s %d\n%s\n", name, len(text), text)
			return err
		})
		fmt.Fprintf(h, "%s %t\n", layer, err == nil)
	}
	fmt.Fprintln(h, foldRules())
	for _, t := range models.Published {
		fmt.Fprintf(h, "%s", t.Name)
		for _, c := range t.Columns {
			fmt.Fprintf(h, " %s %s", c.Name, c.Type)
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
