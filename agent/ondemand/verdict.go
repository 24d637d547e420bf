package ondemand

import "leaseroute/lqclient"

// A verdict is what came of a lookup.
type verdict int

// The verdicts.
const (
	stopped    verdict = iota // the daemon ended meanwhile
	overtaken                 // it was routed before anybody was asked
	found                     // a server holds it, and it is routed now
	unchanged                 // it was routed before, and still is: the packet came from elsewhere
	unrouted                  // a server holds it, and there is no route all the same: explain tells why
	denied                    // every server that answered says that nobody holds it, or that it is not its business
	unanswered                // no server answered
)

var verdictNames = [...]string{
	stopped: "stopped", overtaken: "overtaken", found: "found", unchanged: "unchanged", unrouted: "unrouted", denied: "denied", unanswered: "unanswered",
}

// String names the verdict for an operator.
func (v verdict) String() string { return verdictNames[v] }

// judge says what the servers' replies come to. A lease that one of them holds
// counts, whatever the others say.
func judge(replies []lqclient.Reply, routed bool) verdict {
	result := unanswered
	for _, r := range replies {
		switch {
		case len(r.Leases) > 0 && routed:
			return found
		case len(r.Leases) > 0:
			result = unrouted
		case result == unanswered && (r.Err == nil || r.Refused()):
			result = denied
		}
	}
	return result
}
