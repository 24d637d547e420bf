package config

import (
	"reflect"
	"strings"
)

// Changed names the sections in which two configurations differ, in the order
// of the reference file.
func Changed(a, b *Config) []string {
	var names []string
	va, vb := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range va.NumField() {
		field := va.Type().Field(i).Name
		if field != "Warnings" && !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			names = append(names, spelled(field))
		}
	}
	return names
}

// spelled is how a file spells a field of Config.
func spelled(field string) string {
	var b strings.Builder
	for i, r := range field {
		upper := 'A' <= r && r <= 'Z'
		if upper && i > 0 && field[i-1] >= 'a' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// NeedsRestart names the keys in which two configurations differ and that a
// running daemon can't change: they are its identity, and marks on what it has
// already written.
func NeedsRestart(a, b *Config) []string {
	var keys []string
	for _, k := range []struct {
		name string
		same bool
	}{
		{"relay_id", string(a.RelayID) == string(b.RelayID)},
		{"state_dir", a.StateDir == b.StateDir},
		{"routes.table", a.Routes.Table == b.Routes.Table},
		{"routes.protocol", a.Routes.Protocol == b.Routes.Protocol},
		{"routes.metric", a.Routes.Metric == b.Routes.Metric},
		{"routes.fail_safe", a.Routes.FailSafe == b.Routes.FailSafe},
		{"routes.fail_safe_margin", a.Routes.FailSafeMargin == b.Routes.FailSafeMargin},
		{"control.socket", a.Control.Socket == b.Control.Socket},
	} {
		if !k.same {
			keys = append(keys, k.name)
		}
	}
	return keys
}
