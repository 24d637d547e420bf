package lqserver

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// faulty serves the fixture as Kea would with these faults.
func faulty(t *testing.T, f Faults) *Server {
	t.Helper()
	return serve(t, fixture(), func(o *Options) { o.Manner.PerLease, o.Faults = true, f })
}

// The answer without faults is RDDDDE: five leases of testRelayID.
func TestStreamFaults(t *testing.T) {
	noise := bytes.Repeat([]byte{0xa5}, 64)
	tests := []struct {
		name   string
		faults Faults
		want   string // the shape of what comes before the oddity
		odd    []byte // the frame that comes at that place; nil: none
		err    error
	}{
		{"cut: FIN before the REPLY", Faults{Cut: new(0)}, "", nil, nil},
		{"cut: FIN in the middle", Faults{Cut: new(3)}, "RDD", nil, nil},
		{"cut: FIN before DONE", Faults{Cut: new(5)}, "RDDDD", nil, nil},
		{"reset: RST in the middle", Faults{Reset: new(2)}, "", nil, syscall.ECONNRESET},
		{"half: half a message, then FIN", Faults{Half: new(2)}, "RD", nil, io.ErrUnexpectedEOF},
		{"garbage: a frame of noise", Faults{Garbage: new(1)}, "RDDDDE", noise, nil},
		{"noise: a DATA whose options are noise", Faults{Noise: new(1)}, "RDDDDE",
			slices.Concat([]byte{17, 0xab, 0xcd, 0}, noise), nil},
		{"short-frame: message-size 3", Faults{ShortFrame: new(1)}, "RDDDDE", []byte{17, 0, 0}, nil},
		{"empty-frame: message-size 0", Faults{EmptyFrame: new(1)}, "RDDDDE", []byte{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, err := answerOf(t, faulty(t, tt.faults), byRelayID(testRelayID))
			if !errors.Is(err, tt.err) {
				t.Errorf("ended with %v, want %v", err, tt.err)
			}
			if tt.odd != nil {
				if !bytes.Equal(frames[1], tt.odd) {
					t.Errorf("second frame % x, want % x", frames[1], tt.odd)
				}
				frames = slices.Delete(frames, 1, 2)
			}
			// A RST may throw away what was sent before it.
			if got := shape(parsed(t, frames)); got != tt.want && tt.faults.Reset == nil {
				t.Errorf("answer %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("huge-frame: 65535 octets, and a binding in it", func(t *testing.T) {
		frames, err := answerOf(t, faulty(t, Faults{HugeFrame: new(2)}), byRelayID(testRelayID))
		must(t, err)
		got := parsed(t, frames)
		if len(frames[2]) != 65535 || shape(got) != "RDDDDE" || len(leases(t, got)) != 5 {
			t.Errorf("size %d, answer %s", len(frames[2]), shape(got))
		}
	})
}

func TestTimedFaults(t *testing.T) {
	// times returns the shape of an answer and when each message came.
	times := func(t *testing.T, f Faults) (string, []time.Duration) {
		_, conn := piped(t, fixture(), func(o *Options) { o.Manner.PerLease, o.Faults = true, f })
		began := time.Now()
		conn.Write(byLink("2001:db8:2::1").frame())
		conn.SetReadDeadline(began.Add(time.Hour))
		var frames [][]byte
		var when []time.Duration
		for {
			b, err := readRaw(conn)
			if err != nil {
				return shape(parsed(t, frames)), when
			}
			frames, when = append(frames, b), append(when, time.Since(began))
		}
	}
	t.Run("stall: nothing more", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if got, _ := times(t, Faults{Stall: new(1)}); got != "R" {
				t.Errorf("answer %s", got)
			}
		})
	})
	t.Run("stall-for: it goes on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got, when := times(t, Faults{Stall: new(1), StallFor: 7 * time.Second})
			if want := []time.Duration{0, 7 * time.Second, 7 * time.Second}; got != "RDE" || !slices.Equal(when, want) {
				t.Errorf("answer %s at %s", got, when)
			}
		})
	})
	t.Run("stall: it ends with the requestor", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, conn := piped(t, fixture(), func(o *Options) { o.Faults.Stall = new(1) })
			conn.Write(byRelayID(testRelayID).frame())
			readRaw(conn)
			conn.Close()
			synctest.Wait()
			if n := s.Stats().Open; n != 0 {
				t.Errorf("%d connections are open", n)
			}
		})
	})
	t.Run("trickle: so many octets at a time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, conn := piped(t, fixture(), func(o *Options) {
				o.Faults = Faults{Trickle: 3, TricklePause: time.Second}
			})
			began := time.Now()
			conn.Write(byRelayID(clientA).frame()) // an empty REPLY
			b := make([]byte, 38)
			n, err := conn.Read(b)
			must(t, err)
			_, err = io.ReadFull(conn, b[n:])
			must(t, err)
			// Framing 2, header 4, CLIENTID 14, SERVERID 18: 13 pieces, 12 pauses.
			if d := time.Since(began); n != 3 || d != 12*time.Second {
				t.Errorf("first piece %d octets, all after %s", n, d)
			}
		})
	})
}

func TestHold(t *testing.T) {
	t.Run("hold: until the test lets go", func(t *testing.T) {
		hold := NewHold(2)
		s := faulty(t, Faults{Hold: hold})
		conn := dial(t, s)
		conn.Write(byRelayID(testRelayID).frame())
		<-hold.Reached()
		if n := s.Stats().Messages; n != 2 {
			t.Errorf("%d messages, want 2", n)
		}
		hold.Release()
		conn.CloseWrite()
		frames, err := drain(conn)
		must(t, err)
		if got := shape(parsed(t, frames)); got != "RDDDDE" {
			t.Errorf("answer %s", got)
		}
	})
}

func TestConnectionFaults(t *testing.T) {
	t.Run("refuse: RST", func(t *testing.T) {
		_, err := answerOf(t, faulty(t, Faults{Refuse: true}), byRelayID(testRelayID))
		if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("close-on-accept: FIN", func(t *testing.T) {
		if frames, err := drain(dial(t, faulty(t, Faults{CloseOnAccept: true}))); len(frames) > 0 || err != nil {
			t.Errorf("%d messages, %v", len(frames), err)
		}
	})
	t.Run("close-idle: after the answer, without being asked", func(t *testing.T) {
		conn := dial(t, faulty(t, Faults{CloseIdle: true}))
		conn.Write(byRelayID(testRelayID).frame())
		frames, err := drain(conn)
		must(t, err)
		if got := shape(parsed(t, frames)); got != "RDDDDE" {
			t.Errorf("answer %s", got)
		}
	})
	t.Run("drop-pipelined: only the first query of a piece is answered", func(t *testing.T) {
		s := faulty(t, Faults{DropPipelined: true})
		if got := shape(messages(t, s, byClientID(clientC), byClientID(clientC), byClientID(clientC))); got != "RE" {
			t.Errorf("answers %s", got)
		}
		if n := s.Stats().Dropped; n != 1 {
			t.Errorf("dropped: %d", n)
		}
	})
	t.Run("times: only the first k connections", func(t *testing.T) {
		s := faulty(t, Faults{Times: 2, Cut: new(1), HostBits: true})
		var got []string
		for range 4 {
			got = append(got, shape(messages(t, s, byRelayID(testRelayID))))
		}
		if !slices.Equal(got, []string{"R", "R", "RDDDDE", "RDDDDE"}) {
			t.Errorf("answers %v", got)
		}
		if n := s.Stats().Faulty; n != 2 {
			t.Errorf("faulty connections: %d", n)
		}
		s.SetFaults(Faults{Times: 1, NoDone: true})
		if again := shape(messages(t, s, byRelayID(testRelayID))); again != "RDDDD" {
			t.Errorf("after SetFaults: %s", again)
		}
	})
}
