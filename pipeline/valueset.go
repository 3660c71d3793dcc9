package pipeline

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"carereach/models"
)

// codeLists are the codes that a run knows: those of the sets our relations name, and those of every set that is loaded.
type codeLists struct {
	byName map[string]map[string]bool // our name → code keys
	known  map[string]bool            // every code key of any set, named or not
	absent map[string][]string        // our name → OIDs of the map that the site has not loaded, sorted
}

// missing gives the names, out of those given, for which no code is known.
func (c codeLists) missing(names []string) []string {
	var out []string
	for _, n := range names {
		if len(c.byName[n]) == 0 {
			out = append(out, n)
		}
	}
	return out
}

// readCodeLists joins the starter lists under valuesets/ with the sets that the site loaded: map.csv ties our names to
// the OIDs of published sets; one name may have several.
func readCodeLists(fsys fs.FS, loaded []Code) (codeLists, error) {
	lists := codeLists{byName: map[string]map[string]bool{}, known: map[string]bool{}, absent: map[string][]string{}}
	names := map[string][]string{} // OID → our names
	files, err := fs.Glob(fsys, "valuesets/*.csv")
	if err != nil {
		return codeLists{}, fmt.Errorf("list value sets: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".csv")
		if name == "map" {
			err = readList(fsys, file, []string{"name", "oid"}, func(row []string) {
				names[row[1]] = append(names[row[1]], row[0])
			})
		} else {
			err = readList(fsys, file, []string{"system", "code"}, func(row []string) {
				lists.add(name, models.CodeKey(models.NormalSystem(row[0]), row[1]))
			})
		}
		if err != nil {
			return codeLists{}, err
		}
	}
	has := map[string]bool{}
	for _, c := range loaded {
		has[c.OID] = true
		lists.known[c.Key] = true
		for _, name := range names[c.OID] {
			lists.add(name, c.Key)
		}
	}
	for _, oid := range slices.Sorted(maps.Keys(names)) {
		for _, name := range names[oid] {
			if !has[oid] {
				lists.absent[name] = append(lists.absent[name], oid)
			}
		}
	}
	return lists, nil
}

// unloaded gives the OIDs behind the names given that the site has not loaded: there only the starter codes are known.
func (c codeLists) unloaded(names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, c.absent[n]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c codeLists) add(name, key string) {
	if c.byName[name] == nil {
		c.byName[name] = map[string]bool{}
	}
	c.byName[name][key] = true
	c.known[key] = true
}

// readList reads a CSV file by the names of its header and hands over the columns asked for. Lines that start with #
// are comments.
func readList(fsys fs.FS, file string, columns []string, each func(row []string)) error {
	f, err := fsys.Open(file)
	if err != nil {
		return fmt.Errorf("open %s: %w", file, err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	header, err := r.Read()
	if err != nil {
		return &models.Error{Kind: models.KindConfig, Message: "sql/" + file + " has no header", Mend: "start it with " + strings.Join(columns, ","), Cause: err}
	}
	at := make([]int, len(columns))
	for i, c := range columns {
		if at[i] = slices.Index(header, c); at[i] < 0 {
			return broken(file, "has no column "+c, "start it with "+strings.Join(columns, ","))
		}
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &models.Error{Kind: models.KindConfig, Message: "sql/" + file + " is malformed", Mend: "correct the line named", Cause: err}
		}
		row := make([]string, len(columns))
		for i := range columns {
			row[i] = strings.TrimSpace(record[at[i]])
		}
		if slices.Contains(row, "") {
			line, _ := r.FieldPos(0)
			return broken(file, fmt.Sprintf("has an empty field in line %d", line), "fill in "+strings.Join(columns, " and "))
		}
		each(row)
	}
}
