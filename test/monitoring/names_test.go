//go:build linux

package monitoring

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"leaseroute/agent/control"
	"leaseroute/agent/metrics"
)

// known are the metrics that a scrape may have, each with what its labels may
// say: nil for those of the libraries, which are none of our business.
func known(t *testing.T) map[string]map[string][]string {
	t.Helper()
	out := make(map[string]map[string][]string)
	families, err := metrics.New(func(context.Context) (control.Status, error) { return control.Status{}, nil }).Registry().Gather()
	must(t, err)
	for _, f := range families {
		out[f.GetName()] = nil
	}
	for m := range metrics.All() {
		out[m.Name] = map[string][]string{"job": nil, "instance": nil}
		for _, l := range m.Labels {
			out[m.Name][l.Name] = l.Values
		}
	}
	return out
}

var (
	named    = regexp.MustCompile(`\b((?:leaseroute|go|process|promhttp)_\w+)\b(?:\{([^}]*)\})?`)
	matching = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
	grouped  = regexp.MustCompile(`\b(?:by|on|ignoring|without) \(([^)]*)\)`)
)

// What alerts and dashboard ask for must be there: a metric that is called
// otherwise, or a state that is none, would never raise an alert.
func TestAlertsAndDashboardNameWhatThereIs(t *testing.T) {
	have := known(t)
	labels := []string{"alertname", "job", "instance"} // those that a group may be made by
	for _, of := range have {
		for name := range of {
			labels = append(labels, name)
		}
	}
	for file, text := range map[string]string{
		alertsFile:    read(t, alertsFile),
		unitTests:     read(t, unitTests),
		dashboardFile: strings.Join(dashboard(t).queries(), "\n"),
	} {
		found := named.FindAllStringSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s names no metric", file)
		}
		for _, f := range found {
			of, ok := have[f[1]]
			if !ok {
				t.Errorf("%s: there is no metric %s", file, f[1])
			}
			for _, m := range matching.FindAllStringSubmatch(f[2], -1) {
				matches(t, file+": "+f[1], of, m[1], m[2], m[3])
			}
		}
		for _, g := range grouped.FindAllStringSubmatch(text, -1) {
			for name := range strings.SplitSeq(g[1], ", ") {
				if !slices.Contains(labels, name) {
					t.Errorf("%s: there is no label %s", file, name)
				}
			}
		}
	}
}

// matches fails the test if a matcher asks for a label that the metric does
// not have, or for what it never says.
func matches(t *testing.T, where string, labels map[string][]string, name, operator, value string) {
	t.Helper()
	says, ok := labels[name]
	if labels != nil && !ok {
		t.Errorf("%s has no label %s", where, name)
	}
	if says == nil {
		return
	}
	wanted := []string{value}
	if strings.HasSuffix(operator, "~") {
		wanted = strings.Split(value, "|")
	}
	for _, w := range wanted {
		if !slices.Contains(says, w) {
			t.Errorf("%s: label %s never says %q", where, name, w)
		}
	}
}
