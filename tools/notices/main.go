// Command notices lists the licence of every module linked into a program, and fails on a licence that may not be
// shipped with it or on a list that is out of date.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// module is what `go list -deps -json` says of a linked module.
type module struct{ Path, Version, Dir string }

// rules recognise licences by a sentence of their text; the first list entry that fits and is not refined by a later one wins.
var rules = []struct {
	name string
	text *regexp.Regexp
	ship bool
}{
	{"AGPL/GPL/LGPL", regexp.MustCompile(`(?i)GNU\s+(AFFERO |LESSER )?GENERAL PUBLIC`), false},
	{"Apache-2.0", regexp.MustCompile(`(?i)Apache License,?\s+Version 2`), true},
	{"MPL-2.0", regexp.MustCompile(`(?i)Mozilla Public License`), false},
	{"BSD-3-Clause", regexp.MustCompile(`(?i)Neither the name|names of its\s+contributors`), true},
	{"BSD-2-Clause", regexp.MustCompile(`(?i)Redistribution and use in source and binary`), true},
	{"ISC", regexp.MustCompile(`(?i)Permission to use, copy, modify, and(/or)? distribute`), true},
	{"MIT", regexp.MustCompile(`(?i)Permission is hereby granted, free of charge`), true},
	{"Unlicense", regexp.MustCompile(`(?i)free and unencumbered`), true},
}

var licenceFile = regexp.MustCompile(`(?i)^(un)?licen[cs]e|^copying`)

func main() {
	tags := flag.String("tags", "", "build tags")
	write := flag.String("write", "", "write the list to this file")
	check := flag.String("check", "", "fail unless this file holds the list")
	flag.Parse()
	if err := run(*tags, *write, *check, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(tags, write, check string, packages []string, out io.Writer) error {
	mods, err := linked(tags, packages)
	if err != nil {
		return err
	}
	text, err := notices(mods)
	if err != nil {
		return err
	}
	switch {
	case write != "":
		return os.WriteFile(write, text, 0o644)
	case check != "":
		have, err := os.ReadFile(check)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, text) {
			return fmt.Errorf("%s is out of date; run: make notices", check)
		}
		fmt.Fprintf(out, "%d linked modules, all licences listed\n", len(mods))
		return nil
	}
	_, err = out.Write(text)
	return err
}

// linked lists the modules that the packages link, sorted by path, the main module left out.
func linked(tags string, packages []string) ([]module, error) {
	args := append([]string{"list", "-tags", tags, "-deps", "-json=Module"}, packages...)
	raw, err := exec.CommandContext(context.Background(), "go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	seen := map[string]module{}
	for dec := json.NewDecoder(bytes.NewReader(raw)); ; {
		var p struct{ Module *module }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && p.Module.Version != "" {
			seen[p.Module.Path] = *p.Module
		}
	}
	mods := make([]module, 0, len(seen))
	for _, m := range seen {
		mods = append(mods, m)
	}
	sort.Slice(mods, func(i, j int) bool { return mods[i].Path < mods[j].Path })
	return mods, nil
}

// notices writes the list and then each licence text once per module, as most licences ask of a binary distribution.
func notices(mods []module) ([]byte, error) {
	var list, texts bytes.Buffer
	list.WriteString("# Third-party notices\n\nWritten by `make notices` from what is linked into the binary; CI fails when it is out of date.\n\n| module | version | licence |\n|---|---|---|\n")
	for _, m := range mods {
		text, err := licenceText(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		name, ship := recognise(text)
		if !ship {
			return nil, fmt.Errorf("%s %s has licence %q, which is not on the list of those we ship", m.Path, m.Version, name)
		}
		fmt.Fprintf(&list, "| %s | %s | %s |\n", m.Path, m.Version, name)
		fmt.Fprintf(&texts, "\n## %s %s\n\n```\n%s\n```\n", m.Path, m.Version, strings.TrimSpace(text))
	}
	return append(list.Bytes(), texts.Bytes()...), nil
}

func licenceText(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var all []string
	for _, e := range entries {
		if !e.IsDir() && licenceFile.MatchString(e.Name()) {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return "", err
			}
			all = append(all, strings.ReplaceAll(string(b), "\r\n", "\n"))
		}
	}
	if len(all) == 0 {
		return "", errors.New("no licence file")
	}
	return strings.Join(all, "\n\n"), nil
}

// recognise names the licences found in text and says whether all of them may be shipped with the binary.
func recognise(text string) (string, bool) {
	var names []string
	ship := true
	for _, r := range rules {
		if !r.text.MatchString(text) || (r.name == "BSD-2-Clause" && contains(names, "BSD-3-Clause")) {
			continue
		}
		names = append(names, r.name)
		ship = ship && r.ship
	}
	return strings.Join(names, " + "), ship && len(names) > 0
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
