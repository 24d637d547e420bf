package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// A declaration is a function or a variable of a test file, methods aside.
type declaration struct {
	name     string
	test     bool // a test or a fuzz target
	table    bool // a variable or a constant
	runs     bool // has subtests
	mentions []mention
	uses     []string // every identifier in it
}

// A mention is a run of numbers at the beginning of a name.
type mention struct {
	numbers []Number
	text    string // the rest of the name; empty if it names no subtest
}

var (
	testName   = regexp.MustCompile(`^(?:Test|Fuzz)([CRSL][0-9]{1,3})?(?:[^a-z]|$)`)
	parenthese = regexp.MustCompile(`^\w+ \(([^)]*)\)`)
)

// declarations takes a file apart.
func declarations(f *ast.File) []declaration {
	var all []declaration
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				all = append(all, function(d))
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					for _, name := range v.Names {
						table := inspect(name.Name, v)
						table.table = true
						all = append(all, table)
					}
				}
			}
		}
	}
	return all
}

// function takes a function. Its own number stands in its name, TestR60Foo,
// or in its comment, directly behind the name: "FuzzFrame (C4): ...".
func function(f *ast.FuncDecl) declaration {
	d := inspect(f.Name.Name, f)
	m := testName.FindStringSubmatch(d.name)
	if m == nil {
		return d
	}
	d.test = true
	if m[1] != "" {
		d.mentions = append(d.mentions, mention{numbers: []Number{Number(m[1])}})
	}
	if p := parenthese.FindStringSubmatch(f.Doc.Text()); p != nil {
		n, _ := leadingNumbers(p[1])
		d.mentions = append(d.mentions, mention{numbers: n})
	}
	return d
}

// inspect finds the mentions and the identifiers in a node.
func inspect(name string, node ast.Node) declaration {
	d := declaration{name: name}
	messages := make(map[ast.Node]bool)
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			d.uses = append(d.uses, n.Name)
		case *ast.CallExpr:
			if reports(n) {
				messages[n.Args[0]] = true
			}
			d.runs = d.runs || calls(n, "Run")
		case *ast.BasicLit:
			d.literal(n, messages[n])
		}
		return true
	})
	return d
}

// literal takes a string in. The message of a failure counts for its test, but
// is no subtest's name.
func (d *declaration) literal(l *ast.BasicLit, message bool) {
	if l.Kind != token.STRING {
		return
	}
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return // the parser has accepted it, so this is no literal of Go's
	}
	numbers, text := leadingNumbers(s)
	if len(numbers) == 0 {
		return
	}
	if message {
		text = ""
	}
	d.mentions = append(d.mentions, mention{numbers: numbers, text: text})
}

// reports tells whether a call makes a test fail with a message.
func reports(c *ast.CallExpr) bool {
	return len(c.Args) > 0 && (calls(c, "Error") || calls(c, "Fatal"))
}

// calls tells whether c calls a method whose name begins so.
func calls(c *ast.CallExpr, method string) bool {
	f, ok := c.Fun.(*ast.SelectorExpr)
	return ok && strings.HasPrefix(f.Sel.Name, method)
}
