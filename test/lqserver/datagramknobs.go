package lqserver

import "time"

// DatagramKnobs returns the faults of UDP, which are among Knobs too.
func DatagramKnobs() []Knob {
	return []Knob{
		{"over", "tcp|udp", "only answers over this see any fault", oneOf(func(f *Faults) *Transport { return &f.Over },
			map[string]Transport{"tcp": OverTCP, "udp": OverUDP})},
		{"udp-strikes", "n", "only the first n transmissions of each transaction see any fault", count(func(f *Faults) *int { return &f.UDP.Strikes })},

		{"udp-lose-every", "n", "lose every n-th query", count(func(f *Faults) *int { return &f.UDP.LoseEvery })},
		{"udp-lose-first", "n", "lose the first n transmissions of each transaction", count(func(f *Faults) *int { return &f.UDP.LoseFirst })},
		{"udp-dead", "", "answer nothing", flag(func(f *Faults) *bool { return &f.UDP.Dead })},
		{"udp-flap", "duration", "answer nothing for so long, then everything for so long, in turn", length(func(f *Faults) *time.Duration { return &f.UDP.Flap })},

		{"udp-delay", "duration", "each answer comes so much later", length(func(f *Faults) *time.Duration { return &f.UDP.Delay })},
		{"udp-copies", "n", "each answer is sent n times", count(func(f *Faults) *int { return &f.UDP.Copies })},
		{"udp-elsewhere", "", "answers come from another port", flag(func(f *Faults) *bool { return &f.UDP.Elsewhere })},
		{"udp-client-port", "", "answers go to port 546", flag(func(f *Faults) *bool { return &f.UDP.ClientPort })},
		{"udp-instead", "truncated|noise|garbage|query|huge", "what is sent instead of an answer", oneOf(func(f *Faults) *Instead { return &f.UDP.Instead },
			map[string]Instead{"truncated": InsteadTruncated, "noise": InsteadNoise, "garbage": InsteadGarbage, "query": InsteadQuery, "huge": InsteadHuge})},

		{"udp-links", "n", "n link-addresses instead of data by client-id, the true ones first", count(func(f *Faults) *int { return &f.UDP.Links })},
		{"udp-odd-links", "unspecified|repeated", "these among the link-addresses; may be given again", setOf(func(f *Faults) *OddLinks { return &f.UDP.OddLinks },
			map[string]OddLinks{"unspecified": LinkUnspecified, "repeated": LinkRepeated})},
		{"udp-link-data", "", "data beside link-addresses", flag(func(f *Faults) *bool { return &f.UDP.LinkData })},
		{"udp-link-again", "", "udp-links strikes queries that name a link too", flag(func(f *Faults) *bool { return &f.UDP.LinkAgain })},
	}
}
