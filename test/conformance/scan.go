package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A Check is a test that carries a rule's number.
type Check struct {
	Number  Number
	Package string // the folder, "lqclient/wire"
	Test    string // the function, "TestParse"
	Name    string // what follows the number in the subtest's name; may be empty
}

// ourselves is the folder of this tool: the numbers in its tests are samples.
const ourselves = "test/conformance"

// scan finds the checks in all test files below root, sorted. Folders that Go
// itself leaves out are left out.
func scan(root string) ([]Check, error) {
	files := make(map[string][]*ast.File) // by package
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ourselves || name != "." && ignored(d.Name())):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, "_test.go"):
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("read tests: %w", err)
		}
		files[path.Dir(name)] = append(files[path.Dir(name)], f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []Check
	for folder, f := range files {
		all = append(all, packageChecks(folder, f)...)
	}
	slices.SortFunc(all, compareChecks)
	return slices.Compact(all), nil
}

// ignored reports whether Go leaves a folder of this name out.
func ignored(name string) bool {
	return name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func compareChecks(a, b Check) int {
	return cmp.Or(
		compareNumbers(a.Number, b.Number),
		cmp.Compare(a.Package, b.Package),
		cmp.Compare(a.Test, b.Test),
		cmp.Compare(a.Name, b.Name),
	)
}

// packageChecks finds the checks of one package. A test's names stand in its
// body, or in what it uses of the package: functions, and if it has subtests,
// tables.
func packageChecks(folder string, files []*ast.File) []Check {
	known := make(map[string]declaration)
	for _, f := range files {
		for _, d := range declarations(f) {
			known[d.name] = d
		}
	}
	var all []Check
	for _, d := range known {
		if !d.test {
			continue
		}
		for _, m := range reach(d, known) {
			for _, n := range m.numbers {
				all = append(all, Check{Number: n, Package: folder, Test: d.name, Name: m.text})
			}
		}
	}
	return all
}

// reach gathers the mentions in d and in what it uses, other tests aside.
func reach(d declaration, known map[string]declaration) []mention {
	var all []mention
	seen := map[string]bool{d.name: true}
	for todo := []declaration{d}; len(todo) > 0; todo = todo[1:] {
		if !todo[0].table || d.runs {
			all = append(all, todo[0].mentions...)
		}
		for _, name := range todo[0].uses {
			if next, ok := known[name]; ok && !seen[name] && !next.test {
				seen[name] = true
				todo = append(todo, next)
			}
		}
	}
	return all
}
