package ondemand

import (
	"encoding/binary"
	"errors"
	"net"
	"reflect"
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
)

// append encodes a report as the kernel does.
func (l logged) append(t testing.TB, family byte) []byte {
	t.Helper()
	attributes := []netlink.Attribute{{Type: 1, Data: []byte{0x86, 0xdd, 0, 0}}} // NFULA_PACKET_HDR
	if l.tag != "" {
		attributes = append(attributes, netlink.Attribute{Type: attrTag, Data: append([]byte(l.tag), 0)})
	}
	if l.index != 0 {
		attributes = append(attributes, netlink.Attribute{Type: attrInterface, Data: binary.BigEndian.AppendUint32(nil, uint32(l.index))})
	}
	if l.sender != nil {
		b := binary.BigEndian.AppendUint16(nil, uint16(len(l.sender)))
		b = append(append(b, 0, 0), l.sender...)
		attributes = append(attributes, netlink.Attribute{Type: attrSender, Data: append(b, make([]byte, maxSender-len(l.sender))...)})
	}
	if l.payload != nil {
		attributes = append(attributes, netlink.Attribute{Type: attrPayload, Data: l.payload})
	}
	if l.numbered {
		attributes = append(attributes, netlink.Attribute{Type: attrSequence, Data: binary.BigEndian.AppendUint32(nil, l.sequence)})
	}
	b, err := netlink.MarshalAttributes(attributes)
	must(t, err)
	return append([]byte{family, 0, 0, 100}, b...)
}

// Packets as the rules report them: headers, and the next 24 octets.
var (
	packet6 = unhex("60000000 0018 11 40 20010db8800012010000000000000005 20010db8000000010000000000000001" +
		"0fa00fa1 0018ffff 000000000000000000000000000000000000")
	packet4 = unhex("45000024 00000000 40110000 64480506 c0000201 0fa00fa1 0010ffff 0000000000000000")
)

var sample = logged{index: 7, sender: net.HardwareAddr{2, 0, 0, 0, 0, 1}, tag: tagSource, payload: packet6, sequence: 9, numbered: true}

func TestParseLogged(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want logged
		err  error
	}{
		{"a report", sample.append(t, 10), sample, nil},
		{"one without a sender", logged{index: 7, tag: tagDest, payload: packet4}.append(t, 2), logged{index: 7, tag: tagDest, payload: packet4}, nil},
		{"an empty one", []byte{10, 0, 0, 100}, logged{}, nil},
		{"no header", []byte{10, 0, 0}, logged{}, errMalformed},
		{"an attribute that is cut off", unhex("0a000064 0900 0400"), logged{}, errMalformed},
		{"an index of three octets", unhex("0a000064 0700 0400 000007 00"), logged{}, errMalformed},
		{"a sender of eight octets", unhex("0a000064 0c00 0800 00060000 02000000"), logged{}, errMalformed},
		{"a sender longer than its attribute", unhex("0a000064 1000 0800 00090000 0200000000010000"), logged{}, errMalformed},
		{"an unknown attribute", unhex("0a000064 0800 f000 00000001"), logged{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseLogged(tt.in)
			if !reflect.DeepEqual(got, tt.want) || !errors.Is(err, tt.err) {
				t.Errorf("parseLogged = %+v, %v; want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestLoggedUnknown(t *testing.T) {
	tests := []struct {
		name    string
		tag     string
		payload []byte
		want    string // the zero Addr if it is none
	}{
		{"a source", tagSource, packet6, "2001:db8:8000:1201::5"},
		{"a destination", tagDest, packet6, "2001:db8:0:1::1"},
		{"a source of IPv4", tagSource, packet4, "100.72.5.6"},
		{"a destination of IPv4", tagDest, packet4, "192.0.2.1"},
		{"a header that is cut off", tagSource, packet6[:39], "invalid IP"},
		{"a header of IPv4 that is cut off", tagDest, packet4[:19], "invalid IP"},
		{"no packet", tagSource, nil, "invalid IP"},
		{"another protocol", tagSource, slices.Concat([]byte{0x50}, packet6), "invalid IP"},
		{"somebody else's rule", "drop: ", packet6, "invalid IP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := logged{tag: tt.tag, payload: tt.payload}
			got, ok := l.unknown()
			if got.Address.String() != tt.want || ok != got.Address.IsValid() {
				t.Errorf("unknown = %v, %t; want %s", got, ok, tt.want)
			}
		})
	}
}

// FuzzLogged: what can be read can be written and read again, and an address
// is one of the packet's own.
func FuzzLogged(f *testing.F) {
	f.Add(sample.append(f, 10))
	f.Add(logged{index: 1, tag: tagDest, payload: packet4}.append(f, 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLogged(b)
		if err != nil {
			if !errors.Is(err, errMalformed) {
				t.Errorf("parseLogged = %v", err)
			}
			return
		}
		if len(l.sender) > maxSender || len(l.payload) > len(b) {
			t.Errorf("%+v of %d octets", l, len(b))
		}
		again, err := parseLogged(l.append(t, 10))
		if err != nil || !reflect.DeepEqual(again.normal(), l.normal()) {
			t.Errorf("parseLogged = %+v, %v; want %+v", again, err, l)
		}
		if u, ok := l.unknown(); ok && !u.Address.IsValid() {
			t.Errorf("unknown = %+v", u)
		}
	})
}

// normal makes an empty value one that is missing.
func (l logged) normal() logged {
	if len(l.sender) == 0 {
		l.sender = nil
	}
	if len(l.payload) == 0 {
		l.payload = nil
	}
	return l
}
