package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a test file with numbers in all the places where they count, and
// in some where they don't.
const sample = `package sample

var table = []struct{ name string }{
	{"C5 in a table outside"},
	{"not C6"},
}

func check(t *testing.T) { t.Error("R2: in a helper") }

func unused(t *testing.T) { t.Run("C99 nobody calls this", nil) }

// FuzzFrame (C4, R55): and some words on R77.
func FuzzFrame(f *testing.F) {}

func TestR60Suspects(t *testing.T) {}

func TestTable(t *testing.T) {
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {})
	}
	check(t)
}

func TestNames(t *testing.T) {
	t.Run("C1 C2 a subtest", func(t *testing.T) {})
	t.Run("C3 "+string(rune(1)), func(t *testing.T) {})
	if 1 > 0 { // C7 in a comment
		t.Fatalf("R3: %d", 1)
	}
	TestTable(t)
}

func TestTableIsLong(t *testing.T) { _ = len(table) }

func Testable() { _ = "C98 no test" }
`

func TestScan(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "b"), "x_test.go", sample)
	write(t, filepath.Join(root, "a", "testdata"), "x_test.go", "this is not Go")
	write(t, filepath.Join(root, ".cache"), "x_test.go", "nor is this")
	write(t, root, "x.go", "package x\nvar s = \"C97 no test file\"\n")
	got, err := scan(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Check{
		{"C1", "a/b", "TestNames", "a subtest"},
		{"C2", "a/b", "TestNames", "a subtest"},
		{"C3", "a/b", "TestNames", ""},
		{"C4", "a/b", "FuzzFrame", ""},
		{"C5", "a/b", "TestTable", "in a table outside"},
		{"R2", "a/b", "TestTable", ""},
		{"R3", "a/b", "TestNames", ""},
		{"R55", "a/b", "FuzzFrame", ""},
		{"R60", "a/b", "TestR60Suspects", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scan (-want +got):\n%s", diff)
	}
	write(t, root, "y_test.go", "package")
	if _, err := scan(root); err == nil {
		t.Error("a test file that is not Go is accepted")
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
