package binding

import "bytes"

// A claim is what a statement brings to a conflict with another one about the
// same lease.
type claim struct {
	clt, received, valid instant

	source     Source
	server     Server
	identity   uint16 // the server's DUID by number, and
	serverDUID string // itself; empty if unknown
	sequence   sequence

	client []byte
	port   Interface // 0: it does not say where the client is
	hop    hop
}

// decide judges a new claim against what is known, in the order of R76 to R79.
// SameExchange says that the two are one and to be merged. It has no state:
// the same two claims always give the same answer.
func decide(n, e *claim, eps instant) Reason {
	if why := bySequence(n, e, eps); why != NoReason {
		return why
	}
	if why := byCLT(n, e, eps); why != NoReason {
		return why
	}
	if bytes.Equal(n.client, e.client) {
		return SameExchange // R78
	}
	return byRank(n, e)
}

// prevails reports whether a verdict of decide is for the new claim.
func prevails(why Reason) bool {
	switch why {
	case FirstHeard, NewerSequence, LaterCLT, HigherRank, EarlierServer, LowerDUID:
		return true
	}
	return false
}

// bySequence is R76: only numbers of the same server DUID are compared.
func bySequence(n, e *claim, eps instant) Reason {
	if n.identity == 0 || n.identity != e.identity || !n.sequence.meets(e.sequence) {
		return NoReason
	}
	switch ahead := n.sequence.beyond(e.sequence); {
	case ahead > 0:
		return NewerSequence
	case ahead < 0:
		return OlderSequence
	case n.says(e, eps):
		return SameExchange
	}
	return NoReason
}

// says reports whether two claims with one sequence number have one content.
func (n *claim) says(e *claim, eps instant) bool {
	return bytes.Equal(n.client, e.client) && near(n.valid, e.valid, eps) &&
		(n.port == 0 || e.port == 0 || n.port == e.port && n.hop == e.hop)
}

// byCLT is R77. What was gleaned needs no tolerance: it was stamped by one
// clock when it happened (R74), and R75 is about ages in whole seconds.
func byCLT(n, e *claim, eps instant) Reason {
	if n.source == FromGlean && e.source == FromGlean {
		eps = 0
	}
	switch d := n.clt - e.clt; {
	case d > eps:
		return LaterCLT
	case d < -eps:
		return EarlierCLT
	}
	return NoReason
}

// byRank is R79: a tie of different clients. Where the rule ends, for two
// words of one server by one source, the later word wins: a server has one
// client for a lease, and within the tolerance its clock tells less than the
// order of its answers.
func byRank(n, e *claim) Reason {
	switch {
	case n.source > e.source:
		return HigherRank
	case n.source < e.source:
		return LowerRank
	case n.server.order() < e.server.order():
		return EarlierServer
	case n.server.order() > e.server.order():
		return LaterServer
	case n.serverDUID != e.serverDUID:
		return lower(n.serverDUID < e.serverDUID && n.serverDUID != "" || e.serverDUID == "")
	case n.received != e.received:
		return later(n.received > e.received)
	case n.clt != e.clt:
		return later(n.clt > e.clt)
	}
	return lower(bytes.Compare(n.client, e.client) < 0)
}

func lower(yes bool) Reason {
	if yes {
		return LowerDUID
	}
	return HigherDUID
}

func later(yes bool) Reason {
	if yes {
		return LaterCLT
	}
	return EarlierCLT
}

// order is the server's place in the configuration; an unknown one is last.
func (s Server) order() int {
	if s == 0 {
		return MaxServers + 1
	}
	return int(s)
}

// near reports whether two ends of lifetimes are the same within eps.
func near(a, b, eps instant) bool {
	if a == forever || b == forever {
		return a == b
	}
	return a-b <= eps && b-a <= eps
}
