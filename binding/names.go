package binding

import "strconv"

var sourceNames = [...]string{
	FromKernel: "kernel", FromState: "state", FromBulk: "bulk", FromLookup: "lookup",
	FromNotify: "notify", FromActive: "active", FromGlean: "glean",
}

// String returns the source as the operator's contract has it.
func (s Source) String() string { return name(sourceNames[:], int(s)) }

var stateNames = [...]string{
	Installed: "installed", Pending: "pending", Suspect: "suspect",
	Unresolved: "unresolved", Refused: "refused", Kept: "kept",
}

// String returns the state as the operator's contract has it.
func (s State) String() string { return name(stateNames[:], int(s)) }

var exchangeNames = [...]string{
	NoExchange: "none", ReplyToSolicit: "Reply to Solicit", ReplyToRequest: "Reply to Request",
	ReplyToRenew: "Reply to Renew", ReplyToRebind: "Reply to Rebind", OnRelease: "Release",
}

// String names the packet that taught.
func (e Exchange) String() string { return name(exchangeNames[:], int(e)) }

var kindNames = [...]string{DelegatedPrefix: "delegated prefix", Address: "address"}

// String returns the kind in an operator's words.
func (k Kind) String() string { return name(kindNames[:], int(k)) }

var opNames = [...]string{Install: "install", Move: "move", Refresh: "refresh", Withdraw: "withdraw"}

// String returns the operation in an operator's words.
func (o Op) String() string { return name(opNames[:], int(o)) }

var statementNames = [...]string{
	Held: "held", Withdrawn: "withdrawn", Released: "released", Denied: "denied", NoAnswer: "no answer",
}

// String returns the statement in an operator's words.
func (s Statement) String() string { return name(statementNames[:], int(s)) }

// name returns names[i], or the number if it has no name.
func name(names []string, i int) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return strconv.Itoa(i)
}
