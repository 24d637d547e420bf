package ondemand

import (
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The chains that judge what is known to be unknown. Those of a family have
// its digit behind their names.
const (
	entryChain     = "pre" // the only one that the kernel calls by itself
	sourceEndChain = "verdict_src"
	destEndChain   = "verdict_dst"
	sourceChain    = "src"   // a source inside the blocks
	unknownChain   = "unk"   // ... that has no route
	candidateChain = "cand"  // ... when the first bucket is empty
	repeatedChain  = "hit"   // ... when it was seen twice
	askChain       = "ask"   // ... that is worth a report
	destChain      = "dst"   // a destination inside the blocks
	unroutedChain  = "unkd"  // ... that has no route
	scannedChain   = "candd" // ... when the first bucket is empty
	soughtChain    = "hitd"  // ... when it was sought twice
	askDestChain   = "askd"  // ... that is worth a report
)

// A chain is a list of rules.
type chain struct {
	name  string
	rules [][]expr.Any
}

// chains are all rules (ONDEMAND.md 4), the entry first. Each that uses a set
// is so written that a full one lets the next rule judge.
func (t *table) chains() []chain {
	guard := expr.VerdictAccept
	if t.opts.Guard {
		guard = expr.VerdictDrop
	}
	first := chain{name: entryChain}
	ends := []chain{
		{sourceEndChain, [][]expr.Any{rule(end(guard))}},
		{destEndChain, [][]expr.Any{rule(end(expr.VerdictDrop))}},
	}
	out := []chain{{}}
	// What was verified lately comes first: that is nearly all there is.
	for _, f := range t.families {
		first.rules = append(first.rules,
			rule(family(f.protocol), in(f.verified, inIndex, f.site), end(expr.VerdictAccept)),
			rule(family(f.protocol), in(f.verifiedDest, inIndex, f.destSite), end(expr.VerdictAccept)),
			rule(family(f.protocol), in(t.access, inName), in(f.blocks, f.source), goTo(sourceChain+f.digit)),
			rule(family(f.protocol), in(t.core, inName), in(f.blocks, f.dest), goTo(destChain+f.digit)))
		out = append(out, t.sourceChains(f)...)
		out = append(out, t.destinationChains(f)...)
	}
	out[0] = first
	return append(out, ends...)
}

// sourceChains judge the sources of a family.
func (t *table) sourceChains(f *familySets) []chain {
	r := &t.opts.Rates
	refuse := func(reason string) statement {
		return append(counted(reason), goTo(sourceEndChain)...)
	}
	return []chain{
		{sourceChain + f.digit, [][]expr.Any{
			rule(missing(true), goTo(unknownChain+f.digit)),
			rule(add(f.verified, inIndex, f.site)),
		}},
		{unknownChain + f.digit, [][]expr.Any{
			rule(counted("src_unknown")),
			rule(in(f.pending, inIndex, f.sourcePrefix), refuse("src_pending")),
			rule(ethernet(expr.CmpOpEq), over(t.macs, r.MAC, inIndex, sender), refuse("src_mac_limited")),
			rule(over(t.first, r.First, inIndex), goTo(candidateChain+f.digit)),
			rule(counted("src_first"), goTo(askChain+f.digit)),
		}},
		// Where frames have senders these are remembered too. Random prefixes
		// alone do repeat within a block of a common size; with random senders
		// they don't, and with few the senders' buckets bound them.
		{candidateChain + f.digit, [][]expr.Any{
			rule(ethernet(expr.CmpOpEq), in(f.candidates, inIndex, sender, f.sourcePrefix), goTo(repeatedChain+f.digit)),
			rule(ethernet(expr.CmpOpNeq), in(f.senderless, inIndex, f.sourcePrefix), goTo(repeatedChain+f.digit)),
			rule(overAll(r.Candidates), refuse("src_shed")),
			rule(ethernet(expr.CmpOpEq), add(f.candidates, inIndex, sender, f.sourcePrefix)),
			rule(ethernet(expr.CmpOpNeq), add(f.senderless, inIndex, f.sourcePrefix)),
			rule(refuse("src_shed")),
		}},
		{repeatedChain + f.digit, [][]expr.Any{
			rule(over(t.second, r.Second, inIndex), refuse("src_shed")),
			rule(counted("src_second"), goTo(askChain+f.digit)),
		}},
		// Only what has passed the buckets becomes pending, else a flood fills
		// the set. Our own address has no route by any interface; it comes in
		// where a network loops.
		{askChain + f.digit, [][]expr.Any{
			rule(overAll(r.Total), refuse("src_shed")),
			rule(add(f.pending, inIndex, f.sourcePrefix)),
			rule(typeIn(t.own, true), refuse("src_own")),
			rule(counted("src_asked"), report(t.opts.Group, tagSource)),
			rule(goTo(sourceEndChain)),
		}},
	}
}

// destinationChains judge the destinations of a family. The box's own addresses
// have no route either, and must pass before a neighbour's prefix is found
// pending.
func (t *table) destinationChains(f *familySets) []chain {
	r := &t.opts.Rates
	refuse := func(reason string) statement {
		return append(counted(reason), goTo(destEndChain)...)
	}
	return []chain{
		{destChain + f.digit, [][]expr.Any{
			rule(missing(false), goTo(unroutedChain+f.digit)),
			rule(add(f.verifiedDest, inIndex, f.destSite)),
		}},
		{unroutedChain + f.digit, [][]expr.Any{
			rule(typeIn(t.own, false), end(expr.VerdictReturn)),
			rule(counted("dst_unknown")),
			rule(in(f.pendingDest, f.destPrefix), refuse("dst_pending")),
			rule(over(t.dest, r.Destinations, inIndex), goTo(scannedChain+f.digit)),
			rule(goTo(askDestChain + f.digit)),
		}},
		// A scan goes on to the next address, a host tries the same again.
		{scannedChain + f.digit, [][]expr.Any{
			rule(in(f.scanned, f.source, f.dest), goTo(soughtChain+f.digit)),
			rule(overAll(r.Candidates), refuse("dst_shed")),
			rule(add(f.scanned, f.source, f.dest)),
			rule(refuse("dst_shed")),
		}},
		{soughtChain + f.digit, [][]expr.Any{
			rule(over(t.destSecond, r.Destinations, inIndex), refuse("dst_shed")),
			rule(goTo(askDestChain + f.digit)),
		}},
		{askDestChain + f.digit, [][]expr.Any{
			rule(overAll(r.Total), refuse("dst_shed")),
			rule(add(f.pendingDest, f.destPrefix)),
			rule(counted("dst_asked"), report(t.opts.Group, tagDest)),
			rule(goTo(destEndChain)),
		}},
	}
}

// kernelCounters are counted by the rules.
var kernelCounters = []string{
	"src_unknown",     // packets from unknown sources
	"src_pending",     // of these, from prefixes that are asked about or suppressed
	"src_mac_limited", // of these, from a sender with too many
	"src_first",       // of these, that the first bucket let through
	"src_second",      // of these, that the second bucket let through
	"src_shed",        // of these, that no bucket let through, candidates included
	"src_own",         // of these, from an address of ours
	"src_asked",       // of these, reported
	"dst_unknown",     // packets to unknown destinations
	"dst_pending",     // of these, to prefixes that are asked about or suppressed
	"dst_shed",        // of these, that no bucket let through, candidates included
	"dst_asked",       // of these, reported
}

// ownRoutes are the kinds of routes that lead to the box itself.
var ownRoutes = []uint32{unix.RTN_LOCAL, unix.RTN_BROADCAST, unix.RTN_ANYCAST}
