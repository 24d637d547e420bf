//go:build linux

package lab

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"time"
)

// KeaServerDUID is what every Kea in a lab calls itself.
var KeaServerDUID = []byte{0, 2, 0, 0, 0x09, 0xbf, 1, 2, 3, 4, 5, 6, 7, 8}

// KeaConfig says what a Kea DHCPv6 server serves, and whose questions about
// its leases it answers.
type KeaConfig struct {
	Interface  string       // where it listens for DHCP and for leasequery over UDP
	Address    netip.Addr   // of that interface: where it answers leasequeries
	Requesters []netip.Addr // who may ask; others are cut off
	Subnets    []KeaSubnet

	Lifetimes        // of what Kea leases itself
	RapidCommit bool // whether clients may have it

	// MaxConnections is how many requestors may be connected; 0 means 10.
	MaxConnections int
	// MaxConcurrentQueries is per connection; 0 means that there is no limit.
	MaxConcurrentQueries int
	// IdleSeconds is after how long an idle requestor is cut off; 0 means 300.
	IdleSeconds int
}

// A KeaSubnet is one link with clients.
type KeaSubnet struct {
	ID      uint32
	Prefix  netip.Prefix
	Relay   netip.Addr   // the relay's address on that link; zero if any in Prefix will do
	Pool    netip.Prefix // for addresses; zero for none
	PDPools []KeaPDPool
}

// A KeaPDPool is a block that is cut into delegated prefixes of one length.
type KeaPDPool struct {
	Prefix netip.Prefix
	Length int
}

type object = map[string]any

// json returns the configuration file. Every folder that Kea uses is dir.
func (c KeaConfig) json(dir, hooks string) ([]byte, error) {
	var subnets []object
	for _, s := range c.Subnets {
		o := s.object()
		o["rapid-commit"] = c.RapidCommit
		subnets = append(subnets, o)
	}
	return json.MarshalIndent(object{"Dhcp6": c.Lifetimes.addTo(object{
		"interfaces-config": object{"interfaces": []string{c.Interface + "/" + c.Address.String()}},
		"server-id":         object{"type": "EN", "enterprise-id": 2495, "identifier": "0102030405060708", "persist": false},
		"multi-threading":   object{"enable-multi-threading": true, "thread-pool-size": 2, "packet-queue-size": 64},
		"lease-database": object{"type": "memfile", "persist": true,
			"name": filepath.Join(dir, keaLeaseFile), "lfc-interval": 0},
		"sanity-checks": object{"lease-checks": "none", "extended-info-checks": "fix"},
		// Leases that have run out stay as they are: a test decides their state.
		"expired-leases-processing": object{"reclaim-timer-wait-time": 0, "max-reclaim-leases": 0, "max-reclaim-time": 0,
			"flush-reclaimed-timer-wait-time": 0, "hold-reclaimed-time": 3600},
		"store-extended-info": true,
		// No client waits for other servers.
		"option-data": []object{{"name": "preference", "data": "255", "always-send": true}},
		"hooks-libraries": []object{{
			"library":    filepath.Join(hooks, "libdhcp_lease_query.so"),
			"parameters": c.hook(),
		}},
		"subnet6": subnets,
		"loggers": []object{{"name": "kea-dhcp6", "severity": "INFO",
			"output-options": []object{{"output": "stdout", "flush": true}}}},
	})}, "", " ")
}

// addTo adds those lifetimes that are to be told.
func (l Lifetimes) addTo(o object) object {
	for key, d := range map[string]time.Duration{
		"preferred-lifetime": l.Preferred, "valid-lifetime": l.Valid, "renew-timer": l.Renew, "rebind-timer": l.Rebind,
	} {
		if d > 0 {
			o[key] = int(d.Seconds())
		}
	}
	return o
}

// hook returns the parameters of the leasequery hook.
func (c KeaConfig) hook() object {
	return object{
		"requesters": c.Requesters,
		"advanced": object{
			"bulk-query-enabled": true, "active-query-enabled": false, "extended-info-tables-enabled": true,
			"lease-query-ip": c.Address, "lease-query-tcp-port": 547, "max-bulk-query-threads": 0,
			"max-requester-connections": orDefault(c.MaxConnections, 10),
			"max-concurrent-queries":    c.MaxConcurrentQueries,
			"max-requester-idle-time":   orDefault(c.IdleSeconds, 300),
			"max-leases-per-fetch":      100,
		},
	}
}

func orDefault(value, standard int) int {
	if value == 0 {
		return standard
	}
	return value
}

func (s KeaSubnet) object() object {
	pools := []object{}
	for _, p := range s.PDPools {
		pools = append(pools, object{"prefix": p.Prefix.Addr(), "prefix-len": p.Prefix.Bits(), "delegated-len": p.Length})
	}
	o := object{"id": s.ID, "subnet": s.Prefix, "pd-pools": pools}
	if s.Relay.IsValid() {
		o["relay"] = object{"ip-addresses": []netip.Addr{s.Relay}}
	}
	if s.Pool.IsValid() {
		o["pools"] = []object{{"pool": s.Pool}}
	}
	return o
}
