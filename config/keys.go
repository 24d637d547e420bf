package config

import (
	"net/netip"
	"time"

	"github.com/sirupsen/logrus"
)

// DefaultPath is where a configuration is looked for unless told otherwise.
const DefaultPath = "/etc/leaseroute/leaseroute.yaml"

// DefaultSocket is the control socket where no configuration names another.
const DefaultSocket = "/run/leaseroute/control.sock"

// longest bounds every duration: a larger one is a slip.
const longest = 365 * 24 * time.Hour

// maxAllowed bounds delegation.allowed.
const maxAllowed = 4096

// rootKeys is the table of all keys outside lists: one truth for reading a
// configuration, for the environment, the flags and the reference.
func rootKeys() []entry[Config] {
	keys := append(identityKeys(), delegationKeys()...)
	keys = append(keys, recoveryKeys()...)
	keys = append(keys, routeKeys()...)
	keys = append(keys, gleanKeys()...)
	keys = append(keys, onDemandKeys()...)
	return append(keys, daemonKeys()...)
}

// identityKeys are about who we are and whom we talk to.
func identityKeys() []entry[Config] {
	return []entry[Config]{
		optional("relay_id", "auto", relayID(),
			func(c *Config, duid []byte) { c.RelayID = duid },
			"The DUID by which the servers know this relay. With auto one is made once and kept in state_dir; give the old router's here when a new box takes over its bindings."),
		optional("state_dir", "/var/lib/leaseroute", directory(),
			func(c *Config, dir string) { c.StateDir = dir },
			"Where the relay-id and the bindings are kept. It must survive a reboot."),
		required("interfaces.access", []any{"acc*"}, patterns(),
			func(c *Config, ps []string) { c.Interfaces.Access = ps },
			"The interfaces towards subscribers."),
		required("interfaces.core", []any{"core0"}, patterns(),
			func(c *Config, ps []string) { c.Interfaces.Core = ps },
			"The interfaces towards the servers."),
		optional("interfaces.interface_ids", []any{}, list(object[InterfaceID]("a mapping with id and interface", interfaceIDKeys), 0, maxPatterns, nil),
			func(c *Config, ids []InterfaceID) { c.Interfaces.InterfaceIDs = ids },
			"Which interface an Interface-Id option of this relay means, where it is not the interface's name."),
		required("servers", nil, list(object[Server]("a mapping with name and address", serverKeys), 1, maxServers, nil),
			func(c *Config, s []Server) { c.Servers = s },
			"The DHCPv6 servers to ask, at most 63. The order decides between servers that contradict each other."),
		optional("links", "auto", links(),
			func(c *Config, links []netip.Addr) { c.Links = links },
			"The link-addresses to ask for. With auto these are the global addresses of the access interfaces."),
		optional("remote_ids", []any{}, list(remoteID(), 0, maxLinks, func(b []byte) string { return string(b) }),
			func(c *Config, ids [][]byte) { c.RemoteIDs = ids },
			"The Remote-IDs to ask for."),
	}
}

// interfaceIDKeys is the table of the keys of interfaces.interface_ids[].
func interfaceIDKeys() []entry[InterfaceID] {
	return []entry[InterfaceID]{
		required("id", "0x67652d302f30", interfaceIDValue(),
			func(i *InterfaceID, id []byte) { i.ID = id },
			"The value of the Interface-Id option."),
		required("interface", "acc0", interfaceName(),
			func(i *InterfaceID, name string) { i.Interface = name },
			"The interface that it means."),
	}
}

// delegationKeys bound what is routed.
func delegationKeys() []entry[Config] {
	return []entry[Config]{
		required("delegation.allowed", []any{"2001:db8:8000::/33"},
			list(allowedPrefix(), 1, maxAllowed, netip.Prefix.String),
			func(c *Config, ps []netip.Prefix) { c.Delegation.Allowed = ps },
			"The blocks that prefixes are delegated from. What lies outside is never routed, whoever reports it."),
		optional("delegation.lengths", "48-64", prefixLengths(),
			func(c *Config, r lengthRange) { c.Delegation.MinLength, c.Delegation.MaxLength = r.min, r.max },
			"The lengths that a delegated prefix may have."),
		optional("delegation.max_prefixes_per_client", 8, integer(0, 1_000_000),
			func(c *Config, n int64) { c.Delegation.MaxPrefixesPerClient = int(n) },
			"How many prefixes one client may have routed; 0 is no limit."),
		optional("delegation.max_prefixes_per_port", 0, integer(0, 100_000_000),
			func(c *Config, n int64) { c.Delegation.MaxPrefixesPerPort = int(n) },
			"How many prefixes may be routed to one access interface; 0 is no limit."),
		optional("delegation.max_valid", "0s", duration(0, longest),
			func(c *Config, d time.Duration) { c.Delegation.MaxValid = d },
			"The longest valid lifetime that is believed; 0s is no cap."),
		optional("delegation.doubtful", "install", choice(word[bool]{"install", false}, word[bool]{"hold", true}),
			func(c *Config, hold bool) { c.Delegation.HoldDoubtful = hold },
			"What to do with a lease that is reported although its lifetime has passed, until the server is asked again: install its route or hold it back."),
		optional("delegation.max_bindings", 2_000_000, integer(1, 100_000_000),
			func(c *Config, n int64) { c.Delegation.MaxBindings = int(n) },
			"How many bindings are kept. What comes beyond is dropped and counted."),
	}
}

// recoveryKeys are about rounds of queries.
func recoveryKeys() []entry[Config] {
	return []entry[Config]{
		optional("recovery.give_up", "120s", duration(time.Millisecond, longest),
			func(c *Config, d time.Duration) { c.Recovery.GiveUp = d },
			"After so long without progress the state becomes degraded. Trying goes on."),
		optional("recovery.jitter", "0s", duration(0, longest),
			func(c *Config, d time.Duration) { c.Recovery.Jitter = d },
			"The first query is sent at a random time within it, to spread the reboots of many routers."),
		optional("recovery.resync_interval", "0s", duration(0, longest),
			func(c *Config, d time.Duration) { c.Recovery.ResyncInterval = d },
			"How often all servers are asked again; 0s is never, unless told to by the resync command."),
	}
}

// gleanKeys are about what is learnt, and kept, without asking.
func gleanKeys() []entry[Config] {
	return []entry[Config]{
		optional("glean.enabled", true, boolean(),
			func(c *Config, on bool) { c.Glean.Enabled = on },
			"Learn from the DHCP messages that pass between relay and servers."),
		optional("glean.outgoing", false, boolean(),
			func(c *Config, on bool) { c.Glean.Outgoing = on },
			"Watch what leaves this box too: for a DHCP server that runs on it."),
		optional("glean.buffer", 16<<20, integer(64<<10, 1<<30),
			func(c *Config, n int64) { c.Glean.Buffer = int(n) },
			"The receive buffer for what is watched, in octets. The kernel drops, and counts, what does not fit."),
		optional("glean.max_transactions", 1<<16, integer(16, 1<<24),
			func(c *Config, n int64) { c.Glean.MaxTransactions = int(n) },
			"How many exchanges of clients are followed at a time; the oldest makes room for a new one."),
		optional("state_file.enabled", true, boolean(),
			func(c *Config, on bool) { c.StateFile.Enabled = on },
			"Keep the bindings in state_dir/bindings, so that routes stand after a restart before any server answers."),
		optional("state_file.interval", "1m", duration(time.Second, longest),
			func(c *Config, d time.Duration) { c.StateFile.Interval = d },
			"How often the file is written, if anything has changed."),
	}
}

// daemonKeys are about the process itself.
func daemonKeys() []entry[Config] {
	return []entry[Config]{
		optional("ready", "watching", choice(word[bool]{"watching", false}, word[bool]{"recovered", true}),
			func(c *Config, recovered bool) { c.ReadyRecovered = recovered },
			"When systemd is told that the daemon is ready: once it watches and answers, or only when every server has completed its round. With recovered, nothing that is ordered after the daemon may be needed to reach the servers."),
		optional("control.socket", DefaultSocket, socketPath(),
			func(c *Config, path string) { c.Control.Socket = path },
			"The unix socket on which the daemon answers the other commands."),
		optional("control.group", "", groupName(),
			func(c *Config, group string) { c.Control.Group = group },
			"The group whose members may use the socket, besides root and the daemon's own user; \"\" is the daemon's own group."),
		optional("metrics.listen", "", listenAddress(),
			func(c *Config, at netip.AddrPort) { c.Metrics.Listen = at },
			"Where Prometheus finds the metrics (/metrics), and others our health (/healthz, /readyz), by HTTP for whoever can reach the address; nowhere if empty."),
		optional("log.level", "info", logLevel(),
			func(c *Config, l logrus.Level) { c.Log.Level = l },
			"The least severe messages to log."),
		optional("log.format", "text", choice(word[bool]{"text", false}, word[bool]{"json", true}),
			func(c *Config, json bool) { c.Log.JSON = json },
			"How messages are written."),
	}
}

// logLevel is the kind of levels of the log, most severe first.
func logLevel() kind[logrus.Level] {
	return choice(
		word[logrus.Level]{"error", logrus.ErrorLevel},
		word[logrus.Level]{"warn", logrus.WarnLevel},
		word[logrus.Level]{"info", logrus.InfoLevel},
		word[logrus.Level]{"debug", logrus.DebugLevel},
		word[logrus.Level]{"trace", logrus.TraceLevel},
	)
}
