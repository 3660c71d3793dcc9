package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRecognise(t *testing.T) {
	for _, c := range []struct {
		text, name string
		ship       bool
	}{
		{"Permission is hereby granted, free of charge, to any person", "MIT", true},
		{"Redistribution and use in source and binary forms", "BSD-2-Clause", true},
		{"Redistribution and use in source and binary forms ... Neither the name of", "BSD-3-Clause", true},
		{"Apache License\nVersion 2.0", "Apache-2.0", true},
		{"GNU AFFERO GENERAL PUBLIC LICENSE", "AGPL/GPL/LGPL", false},
		{"Permission is hereby granted, free of charge ... GNU GENERAL PUBLIC", "AGPL/GPL/LGPL + MIT", false},
		{"all rights reserved", "", false},
	} {
		if name, ship := recognise(c.text); name != c.name || ship != c.ship {
			t.Errorf("%q: %q, %v; want %q, %v", c.text, name, ship, c.name, c.ship)
		}
	}
}

func TestNoticesRefuseWhatMayNotShip(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) module {
		d := filepath.Join(dir, name)
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if text != "" {
			if err := os.WriteFile(filepath.Join(d, "LICENSE.txt"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return module{Path: name, Version: "v1.0.0", Dir: d}
	}
	good := put("good", "Permission is hereby granted, free of charge\r\n")
	text, err := notices([]module{good})
	if err != nil || !strings.Contains(string(text), "| good | v1.0.0 | MIT |") || strings.Contains(string(text), "\r") {
		t.Errorf("good module: %v\n%s", err, text)
	}
	if _, err := notices([]module{good, put("bad", "GNU GENERAL PUBLIC LICENSE")}); err == nil {
		t.Error("a GPL module was let through")
	}
	if _, err := notices([]module{put("none", "")}); err == nil {
		t.Error("a module without licence was let through")
	}
}

func TestCheckSeesAnOldList(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.md")
	if err := os.WriteFile(file, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run("", "", file, []string{"."}, &out); err == nil || !strings.Contains(err.Error(), "make notices") {
		t.Errorf("old list: %v", err)
	}
	if err := run("", file, "", []string{"."}, &out); err != nil {
		t.Fatal(err)
	}
	if err := run("", "", file, []string{"."}, &out); err != nil {
		t.Errorf("fresh list: %v", err)
	}
}
