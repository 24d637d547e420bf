package config

import (
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestKeysAreComplete(t *testing.T) {
	seen := make(map[string]bool)
	for _, k := range Keys() {
		if seen[k.Path] {
			t.Errorf("%s is there twice", k.Path)
		}
		seen[k.Path] = true
		if k.Type == "" || !strings.HasSuffix(k.Help, ".") {
			t.Errorf("%s is not explained: %+v", k.Path, k)
		}
		if k.Path != strings.ToLower(k.Path) {
			t.Errorf("%s: viper knows only lower case", k.Path)
		}
		if (k.Default == "") != k.Required {
			t.Errorf("%s has the default %q", k.Path, k.Default)
		}
	}
}

func TestFlaggedKeysExist(t *testing.T) {
	known := make(map[string]bool)
	for _, k := range Keys() {
		known[k.Path] = k.Env() != ""
	}
	for _, path := range flagged() {
		if !known[path] {
			t.Errorf("%s is no scalar key", path)
		}
	}
}

// What a default looks like in the reference is what YAML reads as that
// default.
func TestDefaultsSurviveYAML(t *testing.T) {
	for _, v := range []any{
		"auto", "", "0s", "48-64", "/run/x", "0x00", "1", "1e3", "yes: no", "acc*", "2001:db8::/32", "*a", "a # b", "\u00e4",
		0, 158, true, false, []any{}, []any{"a", "[b]"}, []any{1, 2},
	} {
		m, err := decode("yaml", []byte("v: "+asYAML(v)))
		if err != nil {
			t.Fatalf("%v: %v", v, err)
		}
		if diff := gocmp.Diff(v, m["v"]); diff != "" {
			t.Errorf("%v (-want +got):\n%s", v, diff)
		}
	}
}

func TestEnvNamesDoNotCollide(t *testing.T) {
	seen := make(map[string]string)
	for _, k := range Keys() {
		if env := k.Env(); env != "" && seen[env] != "" {
			t.Errorf("%s is the variable of %s and of %s", env, seen[env], k.Path)
		} else {
			seen[env] = k.Path
		}
	}
}
