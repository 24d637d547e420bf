package config

import (
	"errors"
	"net/netip"
	"strings"
	"time"
)

// maxServers is the largest number of servers: the binding table keeps sets of
// them in one word.
const maxServers = 63

// lastAssigned is the highest option code that IANA had assigned when this was
// written. A server's own option must lie above.
const lastAssigned = 148

// recommendedDataTimeout is the BULK_LQ_DATA_TIMEOUT that RFC 5460 wants at
// least (C55).
const recommendedDataTimeout = 300 * time.Second

// serverKeys is the table of the keys of servers[].
func serverKeys() []entry[Server] {
	return []entry[Server]{
		required("name", "kea1", serverName(),
			func(s *Server, name string) { s.Name = name },
			"What the server is called in the log and on the terminal."),
		required("address", "[2001:db8:0:1::1]:547", serverAddress(),
			func(s *Server, a netip.AddrPort) { s.Address = a },
			"Where it listens; the port is 547 if it is left out."),
		optional("source", "", sourceAddress(),
			func(s *Server, a netip.Addr) { s.Source = a },
			"The address to connect from: the one in the server's allow-list."),
		optional("duid", "", serverDUID(),
			func(s *Server, duid []byte) { s.DUID = duid },
			"The server's DUID. Answers under any other are refused."),
		optional("bulk", true, boolean(),
			func(s *Server, on bool) { s.Bulk = on },
			"Ask it for all leases, over TCP. ISC dhcpd and Dibbler can't; they are asked about single leases only."),
		optional("lookup", true, boolean(),
			func(s *Server, on bool) { s.Lookup = on },
			"Ask it about single leases, over UDP to the same port."),
		optional("queries", []any{string(ByRelayID), string(ByLinkAddress), string(ByRemoteID)}, queryTypes(),
			func(s *Server, q []QueryType) { s.Queries = q },
			"What to ask by, in this order, until one yields a binding."),
		optional("query_all", false, boolean(),
			func(s *Server, all bool) { s.QueryAll = all },
			"Ask by all of them and take the union."),
		optional("concurrent_queries", 1, integer(1, 64),
			func(s *Server, n int64) { s.ConcurrentQueries = int(n) },
			"How many queries may be in flight on one connection. More than 1 only for servers that are known to cope; Kea is not."),
		optional("dialect", "rfc", choice(word[string]{"rfc", "rfc"}),
			func(s *Server, d string) { s.Dialect = d },
			"The protocol that the server speaks."),
		optional("sequence_number_option", 0, ownOption(),
			func(s *Server, n int64) { s.SequenceOption = uint16(n) },
			"The code of the option in which the server numbers its statements; 0 if it does not."),
		optional("assignment_notification_option", 0, ownOption(),
			func(s *Server, n int64) { s.NotifyOption = uint16(n) },
			"The code of the option in which the server tells the relay what it has leased; 0 if it does not."),
		optional("connect_timeout", "30s", duration(time.Millisecond, longest),
			func(s *Server, d time.Duration) { s.ConnectTimeout = d },
			"How long a connection may take to open."),
		optional("data_timeout", "300s", duration(time.Millisecond, longest),
			func(s *Server, d time.Duration) { s.DataTimeout = d },
			"How long an open connection may be silent during a query. RFC 5460 advises against less than 300s."),
		optional("suspect_rate", 200, number(0.1, 100_000),
			func(s *Server, rate float64) { s.SuspectRate = rate },
			"How many single leases the server is asked about in a second when they are in doubt."),
	}
}

// maxServerName keeps columns and metric labels readable.
const maxServerName = 63

// serverName is the kind of servers' names: they are labels of metrics and
// words in columns.
func serverName() kind[string] {
	return textual("1 to 63 letters, digits, dots, dashes and underscores", func(s string) (string, error) {
		switch {
		case s == "":
			return "", errors.New("is empty")
		case len(s) > maxServerName:
			return "", errors.New("is too long")
		case strings.ContainsFunc(s, notInName):
			return "", errors.New("has other characters")
		}
		return s, nil
	})
}

func notInName(r rune) bool {
	const others = "._-"
	isLetter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !isLetter && (r < '0' || r > '9') && !strings.ContainsRune(others, r)
}

// queryTypes is the kind of the chain of queries.
func queryTypes() kind[[]QueryType] {
	elem := choice(
		word[QueryType]{string(ByRelayID), ByRelayID},
		word[QueryType]{string(ByLinkAddress), ByLinkAddress},
		word[QueryType]{string(ByRemoteID), ByRemoteID},
	)
	return list(elem, 1, maxLinks, func(q QueryType) string { return string(q) })
}

// ownOption is the kind of option codes that IANA has not assigned; 0 is none.
func ownOption() kind[int64] {
	return ranged("0, or a code from 149 to 65535", 0, maxOption, func(n int64) error {
		if 0 < n && n <= lastAssigned {
			return errors.New("is the code of another option")
		}
		return nil
	})
}
