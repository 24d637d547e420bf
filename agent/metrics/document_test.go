package metrics

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the document anew")

const document = "../../docs/metrics.md"

// TestDocument renews the part of the document between the markers.
func TestDocument(t *testing.T) {
	const begin, end = "<!-- begin of what go generate ./agent/metrics writes -->\n", "<!-- end of what go generate ./agent/metrics writes -->\n"
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost its markers", document)
	}
	made := before + begin + tables() + end + after
	if *update {
		if err := os.WriteFile(document, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(b), made); diff != "" {
		t.Errorf("%s is out of step, see go generate ./agent/metrics (-file +made):\n%s", document, diff)
	}
}

// tables writes all metrics, a table for each part of the daemon.
func tables() string {
	var s strings.Builder
	titles := []struct{ title, prefix string }{ // the first whose prefix fits
		{"Servers", "server_"}, {"Gleaning", "glean_"}, {"On demand", "on_demand_"}, {"UDP ports", "udp_"},
		{"The daemon, leases and routes", ""},
	}
	rows := make(map[string]string)
	for m := range All() {
		for _, at := range titles {
			if strings.HasPrefix(m.Name, namespace+at.prefix) {
				rows[at.title] += row(m)
				break
			}
		}
	}
	for _, at := range append(titles[len(titles)-1:], titles[:len(titles)-1]...) {
		fmt.Fprintf(&s, "\n## %s\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n%s", at.title, rows[at.title])
	}
	return s.String() + "\n"
}

// listed lists values, in quotes if they are more than a word.
func listed(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v
		if strings.Contains(v, " ") {
			out[i] = strconv.Quote(v)
		}
	}
	return strings.Join(out, ", ")
}

func row(m Metric) string {
	kind := "counter"
	if m.Gauge {
		kind = "gauge"
	}
	var labels []string
	for _, l := range m.Labels {
		says := l.From
		if says == "" {
			says = listed(l.Values)
		}
		labels = append(labels, fmt.Sprintf("`%s`: %s", l.Name, says))
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", m.Name, kind, strings.Join(labels, "; "), m.Help)
}
