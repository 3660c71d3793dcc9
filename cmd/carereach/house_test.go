package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The rules of the house that a machine can hold.
const (
	longestFile     = 700 // lines, less than
	longFunction    = 60  // lines
	longShare       = 2   // percent of functions that may be longer
	documentedShare = 90  // percent of exported names, at least
	mostInits       = 1
)

// house is what was measured of a set of Go files.
type house struct {
	functions, long      int
	exported, documented int
	inits                []string
	faults               []string        // files that are too long
	bare                 []string        // exported names without a comment
	tall                 []string        // functions that are too long
	packages             map[string]bool // folder -> has a package comment
}

// read measures one file.
func (h *house) read(fset *token.FileSet, path string, src []byte) error {
	file, err := parser.ParseFile(fset, path, src, parser.ParseComments)
	if err != nil {
		return err
	}
	if n := strings.Count(string(src), "\n"); n >= longestFile {
		h.faults = append(h.faults, fmt.Sprintf("%s has %d lines, want fewer than %d", path, n, longestFile))
	}
	test := strings.HasSuffix(path, "_test.go")
	if folder := filepath.Dir(path); !test {
		h.packages[folder] = h.packages[folder] || strings.TrimSpace(file.Doc.Text()) != ""
	}
	for _, d := range file.Decls {
		h.declaration(fset, path, d, test)
	}
	return nil
}

func (h *house) declaration(fset *token.FileSet, path string, d ast.Decl, test bool) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		h.functions++
		if lines := fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1; lines > longFunction {
			h.long++
			h.tall = append(h.tall, fmt.Sprintf("%s %s: %d lines", path, d.Name.Name, lines))
		}
		if d.Recv == nil && d.Name.Name == "init" {
			h.inits = append(h.inits, path)
		}
		if !test && ast.IsExported(d.Name.Name) && exportedReceiver(d.Recv) {
			h.name(path, d.Name.Name, d.Doc)
		}
	case *ast.GenDecl:
		if test || d.Tok == token.IMPORT {
			return
		}
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() {
					h.name(path, s.Name.Name, d.Doc, s.Doc, s.Comment)
				}
			case *ast.ValueSpec:
				if s.Names[0].IsExported() {
					h.name(path, s.Names[0].Name, d.Doc, s.Doc, s.Comment)
				}
			}
		}
	}
}

// name counts an exported name; one of its comments is enough, and that of a group holds for its members.
func (h *house) name(path, name string, comments ...*ast.CommentGroup) {
	h.exported++
	if slices.ContainsFunc(comments, func(c *ast.CommentGroup) bool { return strings.TrimSpace(c.Text()) != "" }) {
		h.documented++
		return
	}
	h.bare = append(h.bare, path+" "+name)
}

// exportedReceiver reports whether a method is seen from outside; methods of types that are not may go without a comment.
func exportedReceiver(recv *ast.FieldList) bool {
	if recv == nil {
		return true
	}
	t := recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

// verdict gives what breaks a rule.
func (h *house) verdict() []string {
	out := slices.Clone(h.faults)
	if h.long*100 > h.functions*longShare {
		out = append(out, fmt.Sprintf("%d of %d functions are longer than %d lines, want at most %d %%: %s", h.long, h.functions, longFunction, longShare, strings.Join(h.tall, "; ")))
	}
	if h.documented*100 < h.exported*documentedShare {
		out = append(out, fmt.Sprintf("%d of %d exported names have a comment, want %d %%: %s", h.documented, h.exported, documentedShare, strings.Join(h.bare, "; ")))
	}
	if len(h.inits) > mostInits {
		out = append(out, fmt.Sprintf("init in %s, want at most %d", strings.Join(h.inits, ", "), mostInits))
	}
	for folder, ok := range h.packages {
		if !ok {
			out = append(out, folder+" has no package comment")
		}
	}
	slices.Sort(out)
	return out
}

func TestHouse(t *testing.T) {
	t.Parallel()
	root := repository(t)
	h := house{packages: map[string]bool{}}
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := e.Name()
		if e.IsDir() && path != root && (strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "bin", "dist", "demo-out", "node_modules"}, name)) {
			return filepath.SkipDir
		}
		if e.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return h.read(fset, rel, src)
	})
	if err != nil {
		t.Fatal(err)
	}
	if h.functions < 500 {
		t.Fatalf("only %d functions found: the walk is wrong", h.functions)
	}
	for _, v := range h.verdict() {
		t.Error(v)
	}
	t.Logf("%d functions, %d longer than %d lines; %d of %d exported names documented; %d packages", h.functions, h.long, longFunction, h.documented, h.exported, len(h.packages))
}

// The rules catch what they are for.
func TestHouseCatches(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("\tprintln()\n", longFunction)
	for _, c := range []struct{ name, path, src, want string }{
		{"a function too long", "a/a.go", "// Package a is.\npackage a\n\nfunc f() {\n" + body + "}\n", "1 of 1 functions are longer"},
		{"a file too long", "a/a.go", "// Package a is.\npackage a\n" + strings.Repeat("\n", longestFile), "a/a.go has 702 lines"},
		{"no package comment", "a/a.go", "package a\n", "a has no package comment"},
		{"an exported name without comment", "a/a.go", "// Package a is.\npackage a\n\nfunc F() {}\n", "0 of 1 exported names"},
		{"a method of an exported type without comment", "a/a.go", "// Package a is.\npackage a\n\n// T is.\ntype T[X any] struct{}\n\nfunc (*T[X]) M() {}\n", "1 of 2 exported names"},
		{"two inits", "a/a.go", "// Package a is.\npackage a\n\nfunc init() {}\n\nfunc init() {}\n", "init in a/a.go, a/a.go"},
		{"a group with one comment", "a/a.go", "// Package a is.\npackage a\n\n// The letters.\nconst (\n\tA = 1\n\tB = 2\n)\n", ""},
		{"a test without comments", "a/a_test.go", "package a\n\nfunc TestX() {}\n", ""},
		{"a method of a type not exported", "a/a.go", "// Package a is.\npackage a\n\ntype t struct{}\n\nfunc (t) M() {}\n", ""},
	} {
		h := house{packages: map[string]bool{}}
		if err := h.read(token.NewFileSet(), c.path, []byte(c.src)); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(h.verdict(), "\n")
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: verdict %q, want %q", c.name, got, c.want)
		}
	}
}
