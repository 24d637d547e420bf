package agent

import "leaseroute/binding"

// remedies say what an operator can do about a binding without a route, or
// what is being done.
var remedies = map[binding.Reason]string{
	binding.OutsideAllowed:   "add its block to delegation.allowed if this router should route it",
	binding.LengthNotAllowed: "change delegation.lengths if this router should route it",
	binding.ClientLimit:      "raise delegation.max_prefixes_per_client, or see with 'leaseroute show bindings --client DUID' what the client holds",
	binding.PortLimit:        "raise delegation.max_prefixes_per_port, or see with 'leaseroute show bindings --interface NAME' what is there",
	binding.NoNextHop:        "the servers are asked, and its client's next renewal tells: if none does, map its Interface-Id in interfaces.interface_ids",
	binding.HeldBack:         "its route comes once a server confirms it (delegation.doubtful: hold): see 'leaseroute show queries'",
	binding.ForeignRoute:     "remove that route, or stop what makes it: ours is installed as soon as it is gone",
	binding.ConnectedOverlap: "an interface of this router has an address in it ('ip -6 address'): ours is installed as soon as that is gone",
	binding.KernelRefused:    "it is tried again every minute, and when its client renews",
	binding.InterfaceDown:    "its route comes back when the interface is up ('ip link set NAME up')",
	binding.InterfaceMissing: "its route comes back when there is such an interface",
	binding.KeptOnly:         "delegated prefixes alone get routes",
}

// remedy is what can be done about b; "" if all is well.
func remedy(b binding.Binding) string {
	switch b.State {
	case binding.Installed, binding.Pending:
		return ""
	case binding.Suspect:
		return "its route stays while its server is asked: see 'leaseroute show queries --kind suspect'"
	}
	return remedies[b.Reason]
}
