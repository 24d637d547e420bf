package main

import (
	"strings"
	"testing"
)

const small = `# A comment.
later udp = lookups
== First
C1 | a rule
C2 | another | later udp
== Second
R7 | a<b
`

func TestParseCatalogue(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"a line without a number", "== T\nnothing", `line 2: "nothing" does not begin with a number`},
		{"two numbers", "== T\nC1 C2 | x", `line 2: "C1 C2 | x" does not begin with a number`},
		{"no statement", "== T\nC1", `line 2: "C1" is not NUMBER | statement [| later KEY]`},
		{"an unknown reason", "== T\nC1 | x | later never", `line 2: "later never" is not explained above`},
		{"no title", "C1 | x", `line 1: C1 is under no title, or there twice`},
		{"twice", "== T\nC1 | x\n\nC1 | y", `line 4: C1 is under no title, or there twice`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseCatalogue(tt.in); err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	tables, err := parseCatalogue("later udp = lookups\n== T\nC1 | a rule\nC2 | another | later udp\nC3 | a third\n")
	if err != nil {
		t.Fatal(err)
	}
	got := faults(tables, []Check{{"C3", "p", "TestX", ""}, {"C4", "p", "TestY", ""}})
	want := []string{"C1 has no test: a rule", "p TestY: there is no rule C4"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults = %q, want %q", got, want)
	}
}

func TestRender(t *testing.T) {
	tables, err := parseCatalogue(small)
	if err != nil {
		t.Fatal(err)
	}
	got := render(tables, []Check{
		{"C1", "p", "TestX", "a"}, {"C1", "p", "TestX", "b|c"}, {"C1", "p", "TestX", "d"},
		{"C1", "p", "TestY", ""}, {"C1", "q", "TestZ", ""},
		{"R7", "p", "TestX", "a"}, {"R7", "p", "TestX", "b"}, {"R7", "q", "TestZ", ""},
	})
	want := `
## First

| | Rule | Tests |
|---|---|---|
| C1 | a rule | ` + "`p` TestX: a<br>`p` TestX: b\\|c<br>`p` TestX: d<br>`p` TestY" + `<br>and 1 more |
| C2 | another | *later:* lookups |

## Second

| | Rule | Tests |
|---|---|---|
| R7 | a&lt;b | ` + "`p` TestX<br>`q` TestZ" + ` |
`
	if body := strings.TrimPrefix(got, preamble); body != want {
		t.Errorf("render = %s\nwant %s", body, want)
	}
}
