package config

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/viper"
)

var update = flag.Bool("update", false, "write the reference file, the reference document and the expected faults anew")

// sameConfig compares configurations.
var sameConfig = gocmp.Options{
	cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}, netip.Prefix{}),
	cmpopts.EquateEmpty(),
}

// golden compares got with the content of a file, which -update writes anew.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of step, see go generate ./config (-file +made):\n%s", path, diff)
	}
}

func TestReferenceFile(t *testing.T) {
	golden(t, "leaseroute.yaml", referenceFile())
}

// referenceFile writes a configuration with all keys: an example where one is
// required, else the default.
func referenceFile() string {
	var s strings.Builder
	s.WriteString("# leaseroute: every key with its default, or an example where one is required.\n" +
		"# Made from the table of keys by go generate ./config.\n")
	section := ""
	for _, k := range Keys() {
		parts := strings.Split(k.Path, ".")
		name, indent := parts[len(parts)-1], strings.Repeat("  ", len(parts)-1)
		switch {
		case strings.HasPrefix(k.Path, "interfaces.interface_ids[]"):
			fmt.Fprintf(&s, "  # %s %s: %s\n", map[string]string{"id": " -", "interface": "  "}[name], name, k.Example)
			continue
		case len(parts) == 1:
			s.WriteString("\n")
		case parts[0] != section && !strings.HasSuffix(parts[0], "[]"):
			fmt.Fprintf(&s, "\n%s:\n", parts[0])
		}
		section = parts[0]
		if strings.HasPrefix(k.Path, "servers[]") {
			indent = "    "
		}
		writeComment(&s, indent, k)
		if k.Path == "servers[].name" {
			indent = "  - "
		}
		fmt.Fprintln(&s, strings.TrimRight(fmt.Sprintf("%s%s: %s", indent, name, k.Default+k.Example), " "))
	}
	return s.String()
}

// writeComment writes what a key means and what is allowed.
func writeComment(s *strings.Builder, indent string, k Key) {
	wrap(s, indent+"#", k.Help)
	if k.Type != boolean().words {
		wrap(s, indent+"#", "Allowed: "+k.Type+".")
	}
}

// wrap breaks text into lines that begin with a prefix.
func wrap(s *strings.Builder, prefix, text string) {
	line := prefix
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 80 {
			s.WriteString(line + "\n")
			line = prefix
		}
		line += " " + word
	}
	s.WriteString(line + "\n")
}

const document = "../docs/configuration.md"

// TestReferenceDocument renews the part of the document between the markers.
func TestReferenceDocument(t *testing.T) {
	const begin, end = "<!-- begin of what go generate ./config writes -->\n", "<!-- end of what go generate ./config writes -->\n"
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost its markers", document)
	}
	golden(t, document, before+begin+keyTable()+end+after)
}

// keyTable writes all keys as tables, one for each section.
func keyTable() string {
	var s strings.Builder
	var sections []string
	rows := make(map[string]string)
	for _, k := range Keys() {
		section, row := sectionOf(k.Path), ""
		switch {
		case k.Required:
			row = fmt.Sprintf("| `%s` | *required* | %s | %s |\n", k.Path, k.Type, k.Help)
		default:
			row = fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", k.Path, k.Default, k.Type, k.Help)
		}
		if rows[section] == "" {
			sections = append(sections, section)
		}
		rows[section] += row
	}
	for _, section := range sections {
		title := "Top level"
		if section != "" {
			title = "`" + section + "`"
		}
		fmt.Fprintf(&s, "\n## %s\n\n| Key | Default | Allowed | Meaning |\n|---|---|---|---|\n%s", title, rows[section])
	}
	return s.String() + "\n"
}

// sectionOf is all of a path but its last word.
func sectionOf(path string) string {
	at := strings.LastIndexByte(path, '.')
	return path[:max(at, 0)]
}

// The same configuration is the same in each format, and has nothing to warn
// about.
func TestReferenceLoadsInEachFormat(t *testing.T) {
	want, err := Load("leaseroute.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Warnings) > 0 {
		t.Errorf("warnings: %q", want.Warnings)
	}
	m, err := decode("yaml", []byte(Reference))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"toml", "json"} {
		t.Run(format, func(t *testing.T) {
			got, err := Load(convert(t, m, format), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, got, sameConfig); diff != "" {
				t.Errorf("differs from YAML (-yaml +%s):\n%s", format, diff)
			}
		})
	}
}

// convert writes a file in another format.
func convert(t *testing.T, m map[string]any, format string) string {
	t.Helper()
	encoder, err := viper.NewCodecRegistry().Encoder(format)
	if err != nil {
		t.Fatal(err)
	}
	b, err := encoder.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "leaseroute."+format)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
