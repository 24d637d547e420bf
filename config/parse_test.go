package config

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

// message is an error's text, empty for nil.
func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseDUID(t *testing.T) {
	long := strings.Repeat("ab", 130)
	tests := []struct{ name, in, want, err string }{
		{"plain hex", "0003000102ff", "0003000102ff", ""},
		{"capitals", "0003000102FF", "0003000102ff", ""},
		{"a prefix", "0x0003000102ff", "0003000102ff", ""},
		{"colons", "00:03:00:01:02:ff", "0003000102ff", ""},
		{"a prefix and colons", "0x00:03:00", "000300", ""},
		{"L7: the shortest", "000301", "000301", ""},
		{"L7: the longest", long, long, ""},
		{"L7: too short", "0003", "", "has 2 octets"},
		{"L7: too long", long + "00", "", "has 131 octets"},
		{"nothing", "", "", "has 0 octets"},
		{"only a prefix", "0x", "", "has 0 octets"},
		{"half an octet", "00030", "", "has half an octet"},
		{"short octets", "0:3:0:1", "", "needs two hex digits between colons"},
		{"a colon at the end", "00:03:00:", "", "needs two hex digits between colons"},
		{"no hex", "00030g", "", "is not hex"},
		{"spaces", "00 03 00", "", "is not hex"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseDUID(tt.in)
			if hex.EncodeToString(got) != tt.want || message(err) != tt.err {
				t.Errorf("parseDUID = %x, %v; want %s, %s", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestParseRemoteID(t *testing.T) {
	tests := []struct{ name, in, want, err string }{
		{"hex", "4491:0xabcd", "0000118b abcd", ""},
		{"hex with colons", "4491:0xab:cd", "0000118b abcd", ""},
		{"text", "4491:ab", "0000118b 6162", ""},
		{"text with colons", "4491:a:b", "0000118b 613a62", ""},
		{"the largest enterprise", "4294967295:a", "ffffffff 61", ""},
		{"the smallest enterprise", "0:a", "00000000 61", ""},
		{"no enterprise", "a", "", "has no colon after the enterprise number"},
		{"an enterprise in hex", "0x1:a", "", "does not begin with an enterprise number from 0 to 4294967295"},
		{"a negative enterprise", "-1:a", "", "does not begin with an enterprise number from 0 to 4294967295"},
		{"no value", "1:", "", "names nothing"},
		{"no hex value", "1:0x", "", "names nothing"},
		{"half an octet", "1:0xabc", "", "has half an octet"},
		{"too long for an option", "1:" + strings.Repeat("a", 65532), "", "does not fit an option"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseRemoteID(tt.in)
			want := strings.ReplaceAll(tt.want, " ", "")
			if hex.EncodeToString(got) != want || message(err) != tt.err {
				t.Errorf("ParseRemoteID = %x, %v; want %s, %s", got, err, want, tt.err)
			}
		})
	}
}

func TestParseOpaque(t *testing.T) {
	for in, want := range map[string]string{"ge-0/0": "ge-0/0", "0x67": "g", "port 1": "port 1", "067": "067"} {
		got, err := parseOpaque(in)
		if err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("parseOpaque(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	if _, err := parseOpaque(strings.Repeat("a", 65536)); message(err) != "does not fit an option" {
		t.Errorf("65536 octets: %v", err)
	}
}

func TestParseLengths(t *testing.T) {
	tests := []struct {
		in   string
		want lengthRange
		err  string
	}{
		{"48-64", lengthRange{48, 64}, ""},
		{"56", lengthRange{56, 56}, ""},
		{"1-128", lengthRange{1, 128}, ""},
		{"62-62", lengthRange{62, 62}, ""},
		{"0-64", lengthRange{}, "is out of range"},
		{"48-129", lengthRange{}, "is out of range"},
		{"64-48", lengthRange{}, "is the wrong way round"},
		{"", lengthRange{}, "is not a length"},
		{"-", lengthRange{}, "is not a length"},
		{"-56", lengthRange{}, "is not a length"},
		{"48-56-64", lengthRange{}, "is not a length"},
		{"/56", lengthRange{}, "is not a length"},
	}
	for _, tt := range tests {
		t.Run("R37: "+tt.in, func(t *testing.T) {
			got, err := parseLengths(tt.in)
			if got != tt.want || message(err) != tt.err {
				t.Errorf("parseLengths = %v, %v; want %v, %s", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestParseAllowed(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{"2001:db8:8000::/33", "2001:db8:8000::/33", ""},
		{"2001:DB8:0::/47", "2001:db8::/47", ""},
		{"2001:db8:1::/47", "", "has host bits set"}, // the set bit is the last before 48
		{"2001:db8::1/128", "2001:db8::1/128", ""},
		{"::/0", "", "allows everything"},
		{"2001:db8::/129", "", "is not a prefix"},
		{"2001:db8::", "", "is not a prefix"},
		{"fe80::%eth0/64", "", "is not a prefix"},
		{"::ffff:192.0.2.0/120", "", "is not an IPv6 prefix"},
	}
	for _, tt := range tests {
		t.Run("R37: "+tt.in, func(t *testing.T) {
			got, err := parseAllowed(tt.in)
			if err == nil && got.String() != tt.want || message(err) != tt.err {
				t.Errorf("parseAllowed = %s, %v; want %s, %s", got, err, tt.want, tt.err)
			}
		})
	}
	_, err := parseAllowed("2001:db8:1::/47")
	if r, ok := errors.AsType[*refusal](err); !ok || r.want != "2001:db8::/47" {
		t.Errorf("the canonical form is %v", err)
	}
}

func TestParseServerAddress(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{"2001:db8::1", "[2001:db8::1]:547", ""},
		{"[2001:db8::1]", "[2001:db8::1]:547", ""},
		{"[2001:db8::1]:1547", "[2001:db8::1]:1547", ""},
		{"::1", "[::1]:547", ""},
		{"fe80::1%core0", "[fe80::1%core0]:547", ""},
		{"[2001:db8::547]", "[2001:db8::547]:547", ""},
		{"[2001:db8::1:547]", "[2001:db8::1:547]:547", ""},
		{"2001:db8::1:547", "", "may or may not end in a port"},
		{"2001:db8::1]", "", "is not an address"},
		{"[2001:db8::1]:", "", "is not an address"},
		{"[]", "", "is not an address"},
		{"", "", "is not an address"},
		{"192.0.2.1", "", "is an IPv4 address"},
	}
	for _, tt := range tests {
		t.Run("C49: "+tt.in, func(t *testing.T) {
			got, err := parseServerAddress(tt.in)
			if err == nil && got.String() != tt.want || message(err) != tt.err {
				t.Errorf("parseServerAddress = %s, %v; want %s, %s", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	names := tree(Keys()).members["routes"].names
	for in, want := range map[string]string{
		"metrik":                  "metric",
		"Metric":                  "metric",
		"on-exit":                 "on_exit",
		"onexit":                  "on_exit",
		"fail_safe_margins":       "fail_safe_margin",
		"x":                       "",
		"":                        "",
		"colour":                  "",
		strings.Repeat("m", 1000): "",
	} {
		if got, _ := nearest(in, names); got != want {
			t.Errorf("nearest(%.20q) = %q, want %q", in, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"metric", "metrik", 1}, {"adress", "address", 1}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("distance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestBrief(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1ms", 30 * time.Second: "30s", 10 * time.Minute: "10m",
		24 * time.Hour: "24h", 90 * time.Minute: "1h30m", 90 * time.Second: "1m30s",
	} {
		if got := brief(d); got != want {
			t.Errorf("brief(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestDecodeRefusesWhatDecodersPassOver(t *testing.T) {
	tests := []struct{ name, format, in, want string }{
		{"a name twice in JSON", "json", `{"a": 1, "b": {"c": [{}, {"d": 1, "d": 2}]}}`, `key "d" comes twice`},
		{"a name twice at the top", "json", `{"a": 1, "a": 1}`, `key "a" comes twice`},
		{"a name in two objects", "json", `{"a": {"x": 1}, "b": {"x": 1}, "c": ["a", "a"]}`, ""},
		{"a key twice in YAML", "yaml", "a: 1\na: 1\n", `line 2: mapping key "a" already defined at line 1`},
		{"a second document", "yaml", "a: 1\n---\nb: 1\n", "there is more than one document"},
		{"a second document after an end", "yaml", "a: 1\n...\nb: 1\n", "there is more than one document"},
		{"a marker before the only document", "yaml", "%YAML 1.1\n# c\n---\na: 1\n", ""},
		{"markers around it", "yaml", "--- # c\na: 1\n...\n", ""},
		{"dashes in text", "yaml", "a: |\n  ---\n  b\n", ""},
		{"a key twice in TOML", "toml", "a = 1\na = 2\n", "key a is already defined"},
		{"broken JSON", "json", "{\n\"a\": 1,\n}", "line 3: invalid character '}' looking for beginning of object key string"},
		{"a list in JSON", "json", "[]", "there is no mapping of keys"},
		{"text in YAML", "yaml", "a", "line 1: there is no mapping of keys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decode(tt.format, []byte(tt.in))
			got := ""
			if err != nil {
				got = reason([]byte(tt.in), err)
			}
			if got != tt.want {
				t.Errorf("decode: %q, want %q", got, tt.want)
			}
		})
	}
}
