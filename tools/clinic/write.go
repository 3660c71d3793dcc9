package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// write puts the files under dir: FHIR by type (large ones gzipped), the feed with its broken lines, lists and events.
func (c *clinic) write(dir string) error {
	files := map[string][]byte{}
	for resourceType, list := range c.fhir {
		body, err := lines(list)
		if err != nil {
			return err
		}
		files["fhir/"+resourceType+".ndjson"] = body
	}
	files["fhir/feed-with-trouble.ndjson"] = []byte(strings.Join(c.bad, "\n") + "\n")
	events, err := lines(c.events)
	if err != nil {
		return err
	}
	files["events/events.ndjson"] = events
	for name, rows := range c.lists {
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.WriteAll(rows); err != nil {
			return err
		}
		files["lists/"+name+".csv"] = b.Bytes()
	}
	return writeAll(dir, files)
}

func lines(list []object) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, r := range list {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// writeAll writes files in order of their names; what is over 64 kB is gzipped, without a time stamp so that the bytes are
// the same each time.
func writeAll(dir string, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, name := range names {
		body := files[name]
		if len(body) > 64<<10 {
			var b bytes.Buffer
			w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				return err
			}
			if _, err := w.Write(body); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			name, body = name+".gz", b.Bytes()
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
