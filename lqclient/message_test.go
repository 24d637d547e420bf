package lqclient

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"leaseroute/lqclient/wire"
)

// DUIDs that tests use.
var (
	ourDUID    = []byte("\x00\x03\x00\x01\xfe\xfe\xfe\x00\x00\x01")
	serverDUID = []byte("\x00\x02\x00\x00\x09\xbf\x01\x02")
	otherDUID  = []byte("\x00\x02\x00\x00\x09\xbf\xff\xff")
	cpeDUID    = []byte("\x00\x03\x00\x01\x02\x00\x00\x00\x00\x05")
)

// status texts and codes as in options.
const (
	success          = 0
	unspecFail       = 1
	unknownQueryType = 7
	malformedQuery   = 8
	notConfigured    = 9
	notAllowed       = 10
	queryTerminated  = 11
)

// option encodes one option.
func option(code uint16, value ...[]byte) []byte {
	var data []byte
	for _, v := range value {
		data = append(data, v...)
	}
	b := binary.BigEndian.AppendUint16(nil, code)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func u16(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }
func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

func clientID(duid []byte) []byte { return option(1, duid) }
func serverID(duid []byte) []byte { return option(2, duid) }
func clt(seconds uint32) []byte   { return option(46, u32(seconds)) }
func status(code uint16) []byte   { return option(13, u16(code), []byte("in words")) }

// clientData encodes OPTION_CLIENT_DATA.
func clientData(options ...[]byte) []byte { return option(45, options...) }

// prefix encodes IAPREFIX with host bits and lengths as they are given.
func prefix(p string, preferred, valid uint32) []byte {
	var addr netip.Addr
	var bits int
	for i := range p {
		if p[i] == '/' {
			addr = netip.MustParseAddr(p[:i])
			for _, digit := range p[i+1:] {
				bits = bits*10 + int(digit-'0')
			}
		}
	}
	return option(26, u32(preferred), u32(valid), []byte{byte(bits)}, addr.AsSlice())
}

// address encodes IAADDR.
func address(a string, preferred, valid uint32) []byte {
	return option(5, netip.MustParseAddr(a).AsSlice(), u32(preferred), u32(valid))
}

// lease encodes the client data of a client with one prefix, in good health.
func lease(p string) []byte {
	return clientData(clientID(cpeDUID), prefix(p, 1800, 3600), clt(10))
}

// relayData encodes OPTION_LQ_RELAY_DATA with one relay.
func relayData(link, peer, interfaceID string) []byte {
	return option(47, netip.MustParseAddr("2001:db8::2").AsSlice(),
		[]byte{12, 0}, netip.MustParseAddr(link).AsSlice(), netip.MustParseAddr(peer).AsSlice(),
		option(18, []byte(interfaceID)))
}

// message encodes a message without its frame.
func message(t wire.MessageType, id wire.TransactionID, options ...[]byte) []byte {
	b := append([]byte{byte(t)}, id[:]...)
	for _, o := range options {
		b = append(b, o...)
	}
	return b
}

// reply encodes a valid LEASEQUERY-REPLY.
func reply(id wire.TransactionID, options ...[]byte) []byte {
	return message(wire.LeaseQueryReply, id, append([][]byte{clientID(ourDUID), serverID(serverDUID)}, options...)...)
}

func data(id wire.TransactionID, options ...[]byte) []byte {
	return message(wire.LeaseQueryData, id, options...)
}

func done(id wire.TransactionID, options ...[]byte) []byte {
	return message(wire.LeaseQueryDone, id, options...)
}

// must stops the test at an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
