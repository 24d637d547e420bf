package ondemand

import (
	"encoding/binary"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A keyed lookup puts the parts of its key side by side in the 32-bit
// registers, of which this is the first (NFT_REG32_00). What is compared at
// once goes into the same place.
const register = unix.NFT_REG32_00

// A statement is a piece of a rule.
type statement []expr.Any

// rule puts statements one behind the other: a rule ends at the first that
// doesn't match.
func rule(statements ...statement) []expr.Any { return slices.Concat(statements...) }

// A part of a key is loaded into registers from at on, and takes so many.
type part struct {
	load func(at uint32) statement
	size uint32
}

// loaded loads a key.
func loaded(key ...part) (out statement) {
	at := uint32(register)
	for _, p := range key {
		out = append(out, p.load(at)...)
		at += p.size
	}
	return out
}

func metaPart(key expr.MetaKey, size uint32) part {
	return part{func(at uint32) statement {
		return statement{&expr.Meta{Key: key, Register: at}}
	}, size}
}

// Parts of keys: the index of the interface that a packet came in by, its
// name, and the frame's sender.
var (
	inIndex = metaPart(expr.MetaKeyIIF, 1)
	inName  = metaPart(expr.MetaKeyIIFNAME, 4)
	sender  = part{func(at uint32) statement {
		return statement{&expr.Payload{DestRegister: at, Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6}}
	}, 2}
)

// addressPart is an address of the packet's, from so many octets into its
// header, of which the first bits count.
func addressPart(offset, length uint32, bits int) part {
	return part{func(at uint32) statement {
		out := statement{&expr.Payload{DestRegister: at, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: length}}
		if bits < int(8*length) {
			out = append(out, &expr.Bitwise{
				SourceRegister: at, DestRegister: at, Len: length,
				Mask: maskOctets(bits, int(length)), Xor: make([]byte, length),
			})
		}
		return out
	}, length / 4}
}

// maskOctets are octets of which the first bits are set.
func maskOctets(bits, length int) []byte {
	m := make([]byte, length)
	for i := range bits {
		m[i/8] |= 1 << (7 - i%8)
	}
	return m
}

// in matches if the key is in the set.
func in(s *nftables.Set, key ...part) statement {
	return append(loaded(key...), &expr.Lookup{SourceRegister: register, SetID: s.ID, SetName: s.Name})
}

// add puts the key into the set, which must have room for the rule to go on.
func add(s *nftables.Set, key ...part) statement {
	return append(loaded(key...), &expr.Dynset{
		SrcRegKey: register, SetID: s.ID, SetName: s.Name, Operation: unix.NFT_DYNSET_OP_ADD,
	})
}

// over matches if the bucket of the key is empty. Where there is no room for
// another bucket it doesn't match: the rule behind judges.
func over(s *nftables.Set, r Rate, key ...part) statement {
	return append(loaded(key...), &expr.Dynset{
		SrcRegKey: register, SetID: s.ID, SetName: s.Name, Operation: unix.NFT_DYNSET_OP_UPDATE,
		Exprs: []expr.Any{bucket(r)},
	})
}

// overAll is over with one bucket for all.
func overAll(r Rate) statement { return statement{bucket(r)} }

func bucket(r Rate) *expr.Limit {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: r.PerSecond, Unit: expr.LimitTimeSecond, Burst: r.Burst, Over: true}
}

func compare(op expr.CmpOp, m *expr.Meta, data ...byte) statement {
	m.Register = unix.NFT_REG_1
	return statement{m, &expr.Cmp{Op: op, Register: unix.NFT_REG_1, Data: data}}
}

// family matches packets of IPv6 or IPv4.
func family(protocol byte) statement {
	return compare(expr.CmpOpEq, &expr.Meta{Key: expr.MetaKeyNFPROTO}, protocol)
}

// ethernet matches packets whose frames name their sender, and others with
// CmpOpNeq.
func ethernet(op expr.CmpOp) statement {
	return compare(op, &expr.Meta{Key: expr.MetaKeyIIFTYPE}, binary.NativeEndian.AppendUint16(nil, unix.ARPHRD_ETHER)...)
}

// missing matches if there is no route: for a source one by the interface that
// it came in by, for a destination any. A blackhole is none, and nor is what
// leads to the box itself.
func missing(source bool) statement {
	return statement{
		&expr.Fib{Register: unix.NFT_REG_1, ResultOIF: true, FlagPRESENT: true, FlagSADDR: source, FlagIIF: source, FlagDADDR: !source},
		&expr.Cmp{Op: expr.CmpOpEq, Register: unix.NFT_REG_1, Data: []byte{0}},
	}
}

// typeIn matches if the kind of route to an address is in the set.
func typeIn(s *nftables.Set, source bool) statement {
	return statement{
		&expr.Fib{Register: register, ResultADDRTYPE: true, FlagSADDR: source, FlagDADDR: !source},
		&expr.Lookup{SourceRegister: register, SetID: s.ID, SetName: s.Name},
	}
}

// counted counts.
func counted(name string) statement {
	return statement{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: name}}
}

// Verdicts.
func goTo(chain string) statement {
	return statement{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

func end(k expr.VerdictKind) statement { return statement{&expr.Verdict{Kind: k}} }

// report sends the beginning of the packet to the group, and doesn't wait for
// more to send along.
func report(group uint16, tag string) statement {
	return statement{&expr.Log{
		Key:   1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_PREFIX | 1<<unix.NFTA_LOG_SNAPLEN | 1<<unix.NFTA_LOG_QTHRESHOLD,
		Group: group, Data: []byte(tag), Snaplen: snapLength, QThreshold: 1,
	}}
}
