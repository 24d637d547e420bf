package lqclient

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestCountersHaveNames holds the names, which are a promise, against the
// fields: each field has one, in the same order.
func TestCountersHaveNames(t *testing.T) {
	var c Counters
	v := reflect.ValueOf(&c).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(uint64(i + 1))
	}
	words := regexp.MustCompile(`[A-Z]+[a-z]*`)
	i := 0
	for name, value := range c.All() {
		field := v.Type().Field(i).Name
		field = strings.NewReplacer("CLT", "Clt", "ClientID", "ClientId", "ServerID", "ServerId").Replace(field)
		want := strings.ToLower(strings.Join(words.FindAllString(field, -1), "_"))
		if i++; name != want || value != uint64(i) {
			t.Errorf("counter %d is %q = %d, want %q = %d", i, name, value, want, i)
		}
	}
	if i != v.NumField() {
		t.Errorf("%d names for %d counters", i, v.NumField())
	}
	if c.snapshot() != c {
		t.Error("snapshot differs from what it was taken of")
	}
}
