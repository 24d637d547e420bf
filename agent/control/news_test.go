package control

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const document = "../../docs/events.md"

// TestDocumentedFields holds docs/events.md against the stream's own fields.
func TestDocumentedFields(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for title, v := range map[string]any{
		"## Fields": News{}, "`binding`:": BindingNews{}, "`old` and `new`:": BindingState{},
		"`route`:": RouteNews{}, "`server`:": ServerNews{}, "`recovery`:": StateNews{},
	} {
		_, after, found := strings.Cut(string(text), "\n"+title+"\n")
		if !found {
			t.Errorf("%s has no %s", document, title)
			continue
		}
		table, _, _ := strings.Cut(strings.TrimPrefix(after, "\n"), "\n\n")
		if got, want := firstCells(table), fieldsOf(v); !slices.Equal(got, want) {
			t.Errorf("%s: %s documents %v, and there are %v", document, title, got, want)
		}
	}
}

// TestDocumentedEvents does so with the kinds of events.
func TestDocumentedEvents(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n| Event | When |\n")
	table, _, _ := strings.Cut(after, "\n\n")
	want := []string{
		EventBegin, EventBindingAdded, EventBindingChanged, EventBindingRemoved,
		EventRouteInstalled, EventRouteRemoved, EventRouteRefused, EventRouteRepaired,
		EventServer, EventRecovery, EventMissed,
	}
	if got := firstCells(table); !slices.Equal(got, want) {
		t.Errorf("%s documents the events %v, and there are %v", document, got, want)
	}
}

// firstCells are what stands in backquotes in the first column of a table.
func firstCells(table string) (cells []string) {
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_-]+)` \\|").FindAllStringSubmatch(table, -1) {
		cells = append(cells, m[1])
	}
	return cells
}

// fieldsOf are the JSON names of a struct's fields.
func fieldsOf(v any) (names []string) {
	for f := range reflect.TypeOf(v).Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
