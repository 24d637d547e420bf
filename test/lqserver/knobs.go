package lqserver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Knob is one fault in the words of a command line, "name=value".
type Knob struct {
	Name  string
	Value string // what the value is: "n", "duration", "newer|older"; empty for a switch
	Help  string // what it does, one line

	set func(*Faults, string) error
}

// ErrFault reports a fault that can't be read. Every error of ParseFault
// wraps it.
var ErrFault = errors.New("bad fault")

// ParseFault reads one fault, "name=value" or for a switch just "name", and
// adds it to f. On an error f is as it was.
func ParseFault(s string, f *Faults) error {
	name, text, _ := strings.Cut(s, "=")
	for _, k := range Knobs() {
		if k.Name != name {
			continue
		}
		if err := k.set(f, text); err != nil {
			return fmt.Errorf("fault %s: %w (got %q), want %s: %w", name, err, text, k.wants(), ErrFault)
		}
		return nil
	}
	return fmt.Errorf("fault %q: no such name: %w", name, ErrFault)
}

func (k *Knob) wants() string {
	if k.Value == "" {
		return "true, false or nothing"
	}
	return k.Value
}

// Knobs returns all faults, in the order of Faults.
func Knobs() []Knob {
	return slices.Concat(connectionKnobs(), orderKnobs(), bindingKnobs(), DatagramKnobs())
}

func connectionKnobs() []Knob {
	return []Knob{
		{"times", "n", "only the first n connections, and transactions over UDP, see any fault", count(func(f *Faults) *int { return &f.Times })},
		{"refuse", "", "reset each connection as soon as it is accepted", flag(func(f *Faults) *bool { return &f.Refuse })},
		{"close-on-accept", "", "accept, then close", flag(func(f *Faults) *bool { return &f.CloseOnAccept })},
		{"close-idle", "", "close when an answer is complete and no query waits", flag(func(f *Faults) *bool { return &f.CloseIdle })},
		{"drop-pipelined", "", "lose queries that came along with another one", flag(func(f *Faults) *bool { return &f.DropPipelined })},

		{"cut", "n", "close after n messages of an answer", after(func(f *Faults) **int { return &f.Cut })},
		{"reset", "n", "reset after n messages", after(func(f *Faults) **int { return &f.Reset })},
		{"half", "n", "after n messages half of the next one, then close", after(func(f *Faults) **int { return &f.Half })},
		{"stall", "n", "say nothing more after n messages", after(func(f *Faults) **int { return &f.Stall })},
		{"stall-for", "duration", "go on after that time", length(func(f *Faults) *time.Duration { return &f.StallFor })},
		{"trickle", "octets", "write so few octets at a time", count(func(f *Faults) *int { return &f.Trickle })},
		{"trickle-pause", "duration", "wait so long between them", length(func(f *Faults) *time.Duration { return &f.TricklePause })},
		{"garbage", "n", "after n messages a frame of noise", after(func(f *Faults) **int { return &f.Garbage })},
		{"noise", "n", "after n messages a LEASEQUERY-DATA whose options are noise", after(func(f *Faults) **int { return &f.Noise })},
		{"short-frame", "n", "after n messages a frame with message-size 3", after(func(f *Faults) **int { return &f.ShortFrame })},
		{"empty-frame", "n", "after n messages a frame with message-size 0", after(func(f *Faults) **int { return &f.EmptyFrame })},
		{"huge-frame", "n", "after n messages one of 65535 octets", after(func(f *Faults) **int { return &f.HugeFrame })},
	}
}

func orderKnobs() []Knob {
	return []Knob{
		{"wrong-id", "reply|data|done", "the wrong transaction-id in these; may be given again", setOf(func(f *Faults) *Messages { return &f.WrongID },
			map[string]Messages{"reply": Replies, "data": Data, "done": Dones})},
		{"data-first", "", "a LEASEQUERY-DATA before the REPLY", flag(func(f *Faults) *bool { return &f.DataFirst })},
		{"second-reply", "n", "after n messages a REPLY instead of what is due", after(func(f *Faults) **int { return &f.SecondReply })},
		{"unknown-type", "n", "after n messages one of type 99", after(func(f *Faults) **int { return &f.UnknownType })},
		{"no-done", "", "no LEASEQUERY-DONE", flag(func(f *Faults) *bool { return &f.NoDone })},
		{"double-done", "", "the LEASEQUERY-DONE twice", flag(func(f *Faults) *bool { return &f.DoubleDone })},
		{"done-after-empty", "", "a LEASEQUERY-DONE after an empty REPLY too", flag(func(f *Faults) *bool { return &f.DoneAfterEmpty })},
		{"terminate", "n", "after n messages LEASEQUERY-DONE with an error, then close", after(func(f *Faults) **int { return &f.Terminate })},
		{"terminate-code", "status", "which error (QueryTerminated)", statusCode},
		{"status", "query-type:status", "answer such queries with an error; may be given again", queryStatus},

		{"server-id", "wrong|missing", "SERVERID in the REPLY", oneOf(func(f *Faults) *Damage { return &f.ServerID }, damages())},
		{"client-id", "wrong|missing", "CLIENTID in the REPLY", oneOf(func(f *Faults) *Damage { return &f.ClientID }, damages())},
		{"sequence", "omit|repeat|step|jump|reset", "the server's sequence numbers", oneOf(func(f *Faults) *SequenceFault { return &f.Sequence },
			map[string]SequenceFault{"omit": SequenceOmit, "repeat": SequenceRepeat, "step": SequenceStep, "jump": SequenceJump, "reset": SequenceReset})},
		{"sequence-octets", "4|8", "how long they are", oneOf(func(f *Faults) *int { return &f.SequenceOctets }, map[string]int{"4": 4, "8": 8})},
	}
}

func bindingKnobs() []Knob {
	return []Knob{
		{"every", "n", "the faults below strike every n-th binding only", count(func(f *Faults) *int { return &f.Every })},
		{"duplicate", "", "send it twice", flag(func(f *Faults) *bool { return &f.Duplicate })},
		{"contradict", "newer|older", "send it again for another client, with a newer or older CLT_TIME", oneOf(func(f *Faults) *Contradiction { return &f.Contradict },
			map[string]Contradiction{"newer": Newer, "older": Older})},
		{"lack", "clt|client-id|lease", "leave this out of CLIENT_DATA; may be given again", setOf(func(f *Faults) *Parts { return &f.Lack },
			map[string]Parts{"clt": PartCLT, "client-id": PartClientID, "lease": PartLease})},
		{"prefix-length", "0-255", "this prefix length instead of the true one", prefixLength},
		{"host-bits", "", "set a bit behind the prefix length", flag(func(f *Faults) *bool { return &f.HostBits })},
		{"truncated-option", "", "an option in CLIENT_DATA that is longer than that", flag(func(f *Faults) *bool { return &f.TruncatedOption })},
		{"relay-data", "wrong|missing", "relay data whose nested message is malformed, or none", oneOf(func(f *Faults) *Damage { return &f.RelayData }, damages())},
		{"zero-valid", "", "lifetimes of zero", flag(func(f *Faults) *bool { return &f.ZeroValid })},
		{"preferred-above-valid", "", "a preferred lifetime of 0xfffffffa", flag(func(f *Faults) *bool { return &f.PreferredAboveValid })},
		{"stale", "n", "inactive leases too, in answers by relay-id and remote-id, after n leases", count(func(f *Faults) *int { return &f.Stale })},
	}
}

func damages() map[string]Damage { return map[string]Damage{"wrong": Wrong, "missing": Missing} }
