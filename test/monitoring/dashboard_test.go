//go:build linux

package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A board is the dashboard, as far as it matters here.
type board struct {
	Panels      []panel `json:"panels"`
	Annotations struct {
		List []query `json:"list"`
	} `json:"annotations"`
}

type panel struct {
	ID          int     `json:"id"`
	Type        string  `json:"type"`
	Title       string  `json:"title"`
	Description string  `json:"description"`
	Targets     []query `json:"targets"`
}

type query struct {
	Expr string `json:"expr"`
}

func dashboard(t *testing.T) (b board) {
	t.Helper()
	must(t, json.Unmarshal([]byte(read(t, dashboardFile)), &b))
	return b
}

// variables are the dashboard's, for a lab.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$job", "leaseroute", "$instance", ".+")

// queries are those of all panels and annotations, as Grafana asks them.
func (b board) queries() []string {
	all := b.Annotations.List
	for _, p := range b.Panels {
		all = append(all, p.Targets...)
	}
	var out []string
	for _, q := range all {
		out = append(out, variables.Replace(q.Expr))
	}
	return out
}

func TestPanelsAreWhole(t *testing.T) {
	seen := make(map[int]bool)
	for _, p := range dashboard(t).Panels {
		if p.ID == 0 || seen[p.ID] || p.Title == "" {
			t.Errorf("panel %d %q: it needs a title, and a number of its own", p.ID, p.Title)
		}
		seen[p.ID] = true
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %q shows nothing, or does not say what", p.Title)
		}
	}
}

// TestDashboardIsRead has promtool read every query of the dashboard, as if it
// were a rule.
func TestDashboardIsRead(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for n, q := range dashboard(t).queries() {
		fmt.Fprintf(&rules, "  - record: query:%d\n    expr: %q\n", n, q)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yaml")
	must(t, os.WriteFile(path, []byte(rules.String()), 0o600))
	promtool(t, "", "check", "rules", path)
}
