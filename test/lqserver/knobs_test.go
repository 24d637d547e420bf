package lqserver

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/insomniacslk/dhcp/iana"
)

func TestParseFault(t *testing.T) {
	tests := []struct {
		text string // several faults, a space between
		want Faults
	}{
		{"times=3", Faults{Times: 3}},
		{"refuse close-on-accept=true close-idle drop-pipelined=false", Faults{Refuse: true, CloseOnAccept: true, CloseIdle: true}},
		{"cut=0 reset=1 half=2 stall=3 stall-for=4s", Faults{Cut: new(0), Reset: new(1), Half: new(2), Stall: new(3), StallFor: 4 * time.Second}},
		{"trickle=5 trickle-pause=6ms", Faults{Trickle: 5, TricklePause: 6 * time.Millisecond}},
		{"garbage=1 noise=2 short-frame=3 empty-frame=4 huge-frame=5", Faults{Garbage: new(1), Noise: new(2), ShortFrame: new(3), EmptyFrame: new(4), HugeFrame: new(5)}},
		{"wrong-id=reply wrong-id=done", Faults{WrongID: Replies | Dones}},
		{"data-first second-reply=1 unknown-type=2 no-done double-done done-after-empty",
			Faults{DataFirst: true, SecondReply: new(1), UnknownType: new(2), NoDone: true, DoubleDone: true, DoneAfterEmpty: true}},
		{"terminate=3 terminate-code=UnspecFail", Faults{Terminate: new(3), TerminateCode: iana.StatusUnspecFail}},
		{"status=relay-id:NotAllowed status=address:77", Faults{Status: map[QueryType]iana.StatusCode{ByRelayID: iana.StatusNotAllowed, ByAddress: 77}}},
		{"server-id=wrong client-id=missing", Faults{ServerID: Wrong, ClientID: Missing}},
		{"sequence=jump sequence-octets=4", Faults{Sequence: SequenceJump, SequenceOctets: 4}},
		{"every=2 duplicate contradict=older lack=clt lack=lease", Faults{Every: 2, Duplicate: true, Contradict: Older, Lack: PartCLT | PartLease}},
		{"prefix-length=200 host-bits truncated-option relay-data=wrong", Faults{PrefixLength: new(uint8(200)), HostBits: true, TruncatedOption: true, RelayData: Wrong}},
		{"zero-valid preferred-above-valid stale=100", Faults{ZeroValid: true, PreferredAboveValid: true, Stale: 100}},
		{"over=udp udp-strikes=2", Faults{Over: OverUDP, UDP: DatagramFaults{Strikes: 2}}},
		{"udp-lose-every=3 udp-lose-first=2 udp-dead udp-flap=5s", Faults{UDP: DatagramFaults{LoseEvery: 3, LoseFirst: 2, Dead: true, Flap: 5 * time.Second}}},
		{"udp-delay=20ms udp-copies=2 udp-elsewhere udp-client-port udp-instead=huge",
			Faults{UDP: DatagramFaults{Delay: 20 * time.Millisecond, Copies: 2, Elsewhere: true, ClientPort: true, Instead: InsteadHuge}}},
		{"udp-links=3 udp-odd-links=unspecified udp-odd-links=repeated udp-link-data udp-link-again",
			Faults{UDP: DatagramFaults{Links: 3, OddLinks: LinkUnspecified | LinkRepeated, LinkData: true, LinkAgain: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var got Faults
			for word := range strings.FieldsSeq(tt.text) {
				must(t, ParseFault(word, &got))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseFaultErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"nonsense=1", `fault "nonsense": no such name: bad fault`},
		{"", `fault "": no such name: bad fault`},
		{"cut=-1", `fault cut: not a value for it (got "-1"), want n: bad fault`},
		{"times=0", `fault times: not a value for it (got "0"), want n: bad fault`},
		{"refuse=maybe", `fault refuse: not a value for it (got "maybe"), want true, false or nothing: bad fault`},
		{"prefix-length=256", `fault prefix-length: not a value for it (got "256"), want 0-255: bad fault`},
		{"status=relay-id:Success", `fault status: not a value for it (got "relay-id:Success"), want query-type:status: bad fault`},
		{"status=NotAllowed", `fault status: not a value for it (got "NotAllowed"), want query-type:status: bad fault`},
		{"stall-for=-1s", `fault stall-for: not a value for it (got "-1s"), want duration: bad fault`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			var f Faults
			err := ParseFault(tt.text, &f)
			if !errors.Is(err, ErrFault) || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if !f.none() {
				t.Errorf("faults: %+v", f)
			}
		})
	}
}

// TestKnobsAreComplete wants a knob for each field of Faults and of its UDP, but
// for Hold, which has no text form.
func TestKnobsAreComplete(t *testing.T) {
	names := make(map[string]bool)
	for _, k := range Knobs() {
		if names[k.Name] || k.Help == "" {
			t.Errorf("knob %q: twice, or without help", k.Name)
		}
		names[k.Name] = true
	}
	const holdAndUDP = 2
	if fields := reflect.TypeFor[Faults]().NumField() - holdAndUDP + reflect.TypeFor[DatagramFaults]().NumField(); len(names) != fields {
		t.Errorf("%d knobs for %d fields", len(names), fields)
	}
}

func FuzzParseFault(f *testing.F) {
	for _, k := range Knobs() {
		f.Add(k.Name)
		f.Add(k.Name + "=1")
	}
	f.Add("status=relay-id:NotAllowed")
	f.Fuzz(func(t *testing.T, s string) {
		var got Faults
		if err := ParseFault(s, &got); err != nil && !got.none() {
			t.Errorf("%q: an error, and yet %+v", s, got)
		}
	})
}
