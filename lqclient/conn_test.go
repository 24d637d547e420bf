package lqclient

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/iana"

	"leaseroute/lqclient/wire"
)

// byRelayID is a query as a round asks it.
var byRelayID = wire.Query{Type: wire.ByRelayID, RelayID: ourDUID}

// A played is what one query against a scripted server came to.
type played struct {
	answer    Answer
	delivered int
	err       error // of Do
	ran       error // of Run
	counters  Counters
	closed    bool // by us, before the test did
	took      time.Duration
}

// play asks one query of a server that follows a script, in a bubble. The
// script may return to leave the connection open.
func play(t *testing.T, s Server, script func(p *peer)) (result played) {
	t.Helper()
	ours, theirs := net.Pipe()
	n := newNotes(testLog())
	conn := newConn(ours, s.withDefaults(), ourDUID, n)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		result.ran = conn.Run(t.Context())
	}()
	go func() {
		defer close(over)
		script(newPeer(t, theirs))
	}()
	began := time.Now()
	result.answer, result.err = conn.Do(t.Context(), byRelayID, func(Part) error {
		result.delivered++
		return nil
	})
	result.took = time.Since(began)
	synctest.Wait()
	result.closed = conn.cause.Load() != nil
	conn.Close()
	<-ended
	<-over
	theirs.Close()
	result.counters = n.counters.snapshot()
	return result
}

// answering is a script that answers one query with these messages.
func answering(messages func(id wire.TransactionID) [][]byte) func(*peer) {
	return func(p *peer) { p.say(messages(p.must().id)...) }
}

// list makes the messages of a table shorter to write.
func list(m ...[]byte) [][]byte { return m }

func isStatus(code iana.StatusCode) func(error) bool {
	return func(err error) bool {
		var s *StatusError
		return errors.As(err, &s) && s.Code == code && s.Message == "in words"
	}
}

func isProtocol(err error) bool {
	var p *ProtocolError
	return errors.As(err, &p) && errors.Is(err, ErrIncomplete)
}

func isNil(err error) bool { return err == nil }

func isIncomplete(err error) bool { return errors.Is(err, ErrIncomplete) }

// stranger is a transaction-id that no query has, but for one chance in 2^24.
var stranger = wire.TransactionID{0xff, 0xff, 0xff}

// TestStateMachine holds the table of PROTOCOL.md 3.8 row by row.
func TestStateMachine(t *testing.T) {
	a, b, c := lease("2001:db8:8000::/56"), lease("2001:db8:8000:100::/56"), lease("2001:db8:8000:200::/60")
	link := option(48, netip.MustParseAddr("2001:db8:1::").AsSlice())
	tests := []struct {
		name      string
		messages  func(id wire.TransactionID) [][]byte
		delivered int
		err       func(error) bool
		closed    bool
		counter   string // that is 1 afterwards
	}{
		{"C58 REPLY, two DATA and DONE deliver three", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(id, b), data(id, c), done(id))
		}, 3, isNil, false, "completed"},
		{"C57 R57 a REPLY with one binding is complete at DONE", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), done(id))
		}, 1, isNil, false, "completed"},
		{"C34 R34 an explicit Success is no error", func(id wire.TransactionID) [][]byte {
			return list(reply(id, status(success), a), done(id, status(success)))
		}, 1, isNil, false, "completed"},
		{"C56 R56 a REPLY without client data completes at once", func(id wire.TransactionID) [][]byte {
			return list(reply(id))
		}, 0, isNil, false, "empty_answers"},
		{"C59 an error status fails the query and leaves the connection", func(id wire.TransactionID) [][]byte {
			return list(reply(id, status(notAllowed)))
		}, 0, isStatus(iana.StatusNotAllowed), false, "not_allowed"},
		{"3.8 an error status with client data is an error, the data is ignored", func(id wire.TransactionID) [][]byte {
			return list(reply(id, status(unspecFail), a))
		}, 0, isStatus(iana.StatusUnspecFail), false, "contradictory_replies"},
		{"R27 a REPLY without server-id is dropped", func(id wire.TransactionID) [][]byte {
			return list(message(wire.LeaseQueryReply, id, clientID(ourDUID), a), reply(id, b), done(id))
		}, 1, isNil, false, "no_server_id"},
		{"R28 a REPLY without client-id is dropped", func(id wire.TransactionID) [][]byte {
			return list(message(wire.LeaseQueryReply, id, serverID(serverDUID), a), reply(id, b), done(id))
		}, 1, isNil, false, "wrong_client_id"},
		{"R28 a REPLY with another's client-id is dropped", func(id wire.TransactionID) [][]byte {
			return list(message(wire.LeaseQueryReply, id, serverID(serverDUID), clientID(otherDUID), a), reply(id, b), done(id))
		}, 1, isNil, false, "wrong_client_id"},
		{"C74 R58 a client link is ignored, the rest is used", func(id wire.TransactionID) [][]byte {
			return list(reply(id, link, a), done(id))
		}, 1, isNil, false, "client_links"},
		{"C64 DATA before the REPLY closes", func(id wire.TransactionID) [][]byte {
			return list(data(id, a), reply(id, b), done(id))
		}, 0, isProtocol, true, "data_before_reply"},
		{"3.8 DONE with an error status before the REPLY fails the query only", func(id wire.TransactionID) [][]byte {
			return list(done(id, status(queryTerminated)))
		}, 0, isStatus(iana.StatusQueryTerminated), false, "query_terminated"},
		{"3.8 DONE without a status before the REPLY closes", func(id wire.TransactionID) [][]byte {
			return list(done(id))
		}, 0, isProtocol, true, "done_before_reply"},
		{"C60 DATA without client data is dropped and the stream goes on", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(id), data(id, b), done(id))
		}, 2, isNil, false, "empty_data"},
		{"3.8 DATA with an error status is used", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(id, status(unspecFail), b), done(id))
		}, 2, isNil, false, "status_in_data"},
		{"C66 DONE with QueryTerminated keeps the data and marks it incomplete", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(id, b), done(id, status(queryTerminated)))
		}, 2, func(err error) bool { return isIncomplete(err) && isStatus(iana.StatusQueryTerminated)(err) }, false, "query_terminated"},
		{"C65 a second REPLY closes", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), reply(id, b), done(id))
		}, 1, isProtocol, true, "second_replies"},
		{"C63 R29 a REPLY with an unknown transaction-id is dropped", func(id wire.TransactionID) [][]byte {
			return list(reply(stranger, a), reply(id, b), done(id))
		}, 1, isIncomplete, false, "unknown_transaction"},
		{"C63 R29 DATA with an unknown transaction-id is dropped", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(stranger, b), done(id))
		}, 1, isIncomplete, false, "unknown_transaction"},
		{"C61 DONE with an unknown transaction-id closes", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), done(stranger), done(id))
		}, 1, isProtocol, true, "unknown_dones"},
		{"C62 DONE behind an empty REPLY closes", func(id wire.TransactionID) [][]byte {
			return list(reply(id), done(id))
		}, 0, isNil, true, "unknown_dones"},
		{"C69 R30 DATA and DONE need neither server-id nor client-id, and may have them", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), data(id, serverID(otherDUID), clientID(otherDUID), b), done(id, serverID(otherDUID)))
		}, 2, isNil, false, "completed"},
		{"C73 R50 a message of another type closes", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), message(7, id), done(id))
		}, 1, isProtocol, true, "illegal_types"},
		{"R50 a relay message closes", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), make([]byte, 40), done(id))
		}, 1, isProtocol, true, "illegal_types"},
		{"R18 a LEASEQUERY is dropped", func(id wire.TransactionID) [][]byte {
			return list(reply(id, a), message(wire.LeaseQuery, id), done(id))
		}, 1, isNil, false, "queries_received"},
		{"R33 DATA with an option cut off is dropped and the stream goes on", func(id wire.TransactionID) [][]byte {
			cut := data(id, b)
			return list(reply(id, a), cut[:len(cut)-1], data(id, c), done(id))
		}, 2, isNil, false, "malformed_messages"},
		{"R32 C18 unknown options are ignored", func(id wire.TransactionID) [][]byte {
			return list(reply(id, option(4711, []byte("?")), a), data(id, option(4711), b), done(id, option(4711)))
		}, 2, isNil, false, "completed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := play(t, testServer(), answering(tt.messages))
				if got.delivered != tt.delivered || !tt.err(got.err) || got.closed != tt.closed {
					t.Errorf("delivered %d, error %v, closed %t; want %d delivered, closed %t",
						got.delivered, got.err, got.closed, tt.delivered, tt.closed)
				}
				if value := counter(t, got.counters, tt.counter); value != 1 {
					t.Errorf("%s = %d, want 1", tt.counter, value)
				}
				if got.took != 0 {
					t.Errorf("took %s, want no waiting", got.took)
				}
			})
		})
	}
}

func TestConnectionEnds(t *testing.T) {
	a, b := lease("2001:db8:8000::/56"), lease("2001:db8:8000:100::/56")
	tests := []struct {
		name      string
		script    func(p *peer)
		delivered int
		want      error
		counter   string
	}{
		{"C67 R55 EOF in STREAM keeps the complete messages", func(p *peer) {
			id := p.must().id
			p.say(reply(id, a), data(id, b))
			p.socket.Close()
		}, 2, ErrIncomplete, "broken_answers"},
		{"R55 EOF inside a message keeps the complete ones", func(p *peer) {
			id := p.must().id
			p.say(reply(id, a))
			_, _ = p.socket.Write([]byte{0, 60, 17})
			p.socket.Close()
		}, 1, ErrIncomplete, "broken_answers"},
		{"R55 EOF instead of the REPLY, behind something else", func(p *peer) {
			p.must()
			p.say(reply(stranger))
			p.socket.Close()
		}, 0, ErrIncomplete, "broken_answers"},
		{"a server that refuses: EOF before any answer", func(p *peer) {
			p.must()
			p.socket.Close()
		}, 0, ErrRefused, "refusals"},
		{"a server that refuses: EOF before the query", func(p *peer) {
			p.socket.Close()
		}, 0, ErrRefused, "refusals"},
		{"C5 a size below 4 is a framing error", func(p *peer) {
			p.say(reply(p.must().id, a))
			_, _ = p.socket.Write([]byte{0, 3, 17, 0, 0})
			p.closed()
		}, 1, ErrIncomplete, "framing_errors"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := play(t, testServer(), tt.script)
				if got.delivered != tt.delivered || !errors.Is(got.err, tt.want) || !got.closed {
					t.Errorf("delivered %d, error %v, closed %t; want %d, %v", got.delivered, got.err, got.closed, tt.delivered, tt.want)
				}
				if value := counter(t, got.counters, tt.counter); value != 1 {
					t.Errorf("%s = %d, want 1", tt.counter, value)
				}
				if got.ran == nil {
					t.Error("Run = nil, want the reason")
				}
			})
		})
	}
}

func TestIdleEndIsNormal(t *testing.T) {
	t.Run("C68 R54 EOF with nothing outstanding is no error", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := play(t, testServer(), func(p *peer) {
				p.say(reply(p.must().id))
				p.socket.Close()
			})
			if got.err != nil || got.ran != nil || got.counters.IdleCloses != 1 || got.counters.BrokenAnswers != 0 {
				t.Errorf("Do = %v, Run = %v, counters %+v; want all in order", got.err, got.ran, got.counters)
			}
		})
	})
}

func TestWrongServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer()
		s.DUID = otherDUID
		got := play(t, s, answering(func(id wire.TransactionID) [][]byte {
			return list(reply(id, lease("2001:db8:8000::/56")), done(id))
		}))
		var wrong *DUIDError
		if !errors.As(got.err, &wrong) || got.delivered != 0 || got.counters.WrongServer != 1 {
			t.Fatalf("Do = %v, delivered %d; want a DUIDError and nothing delivered", got.err, got.delivered)
		}
		const want = "the server's DUID is 0002000009bf0102, but the configuration says 0002000009bfffff: " +
			"another server answers at this address, or the key duid of this server is out of date"
		if wrong.Error() != want {
			t.Errorf("error text\n%s\nwant\n%s", wrong, want)
		}
	})
}

func TestTimeouts(t *testing.T) {
	a := lease("2001:db8:8000::/56")
	t.Run("C52 R48 a silent server is left after the data timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := play(t, testServer(), func(p *peer) {
				p.say(reply(p.must().id, a))
				p.closed()
			})
			if !errors.Is(got.err, ErrTimeout) || !got.closed || got.took != 300*time.Second || got.counters.ReadTimeouts != 1 {
				t.Errorf("Do = %v after %s, closed %t; want a timeout after 300s", got.err, got.took, got.closed)
			}
		})
	})
	t.Run("R48 the timeout counts from the last octet", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := play(t, testServer(), func(p *peer) {
				id := p.must().id
				p.say(reply(id, a))
				for range 3 {
					time.Sleep(299 * time.Second)
					p.say(data(id, a))
				}
				p.say(done(id))
			})
			if got.err != nil || got.delivered != 4 {
				t.Errorf("Do = %v, delivered %d; want patience", got.err, got.delivered)
			}
		})
	})
	t.Run("C53 R47 a server that does not read is left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := play(t, testServer(), func(*peer) {})
			if !errors.Is(got.err, ErrTimeout) || got.took != 300*time.Second || got.counters.WriteTimeouts != 1 {
				t.Errorf("Do = %v after %s; want a timeout after 300s", got.err, got.took)
			}
		})
	})
	t.Run("R49 a server that trickles octets without end is left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := play(t, testServer(), func(p *peer) {
				p.must()
				for range 400 {
					if _, err := p.socket.Write([]byte{0xff}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
			if !errors.Is(got.err, ErrTimeout) || got.counters.QueryTimeouts != 1 {
				t.Errorf("Do = %v after %s; want a timeout", got.err, got.took)
			}
		})
	})
	t.Run("DESIGN 3.10 time that we take to store what came is not held against the server", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			conn := newConn(ours, testServer().withDefaults(), ourDUID, newNotes(nil))
			ran := make(chan error)
			go func() { ran <- conn.Run(t.Context()) }()
			go func() {
				p := newPeer(t, theirs)
				id := p.must().id
				p.say(reply(id, a), data(id, a), done(id))
			}()
			_, err := conn.Do(t.Context(), byRelayID, func(Part) error {
				time.Sleep(time.Hour)
				return nil
			})
			if err != nil {
				t.Errorf("Do = %v, want nil", err)
			}
			conn.Close()
			must(t, <-ran)
		})
	})
}

func TestConnectTimeout(t *testing.T) {
	t.Run("C50 R46 a connect attempt ends after the connect timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := newNotes(nil)
			began := time.Now()
			_, err := connect(t.Context(), func(ctx context.Context, _ netip.Addr, _ netip.AddrPort) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}, testServer(), ourDUID, n)
			if !errors.Is(err, ErrTimeout) || time.Since(began) != 30*time.Second || n.counters.ConnectTimeouts != 1 {
				t.Errorf("connect = %v after %s; want a timeout after 30s", err, time.Since(began))
			}
		})
	})
}

func TestDoEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		conn := newConn(ours, testServer().withDefaults(), ourDUID, newNotes(nil))
		ran := make(chan error)
		go func() { ran <- conn.Run(t.Context()) }()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := conn.Do(ctx, byRelayID, func(Part) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do = %v, want the context's error", err)
		}
		<-ran
		if _, err := conn.Do(t.Context(), byRelayID, nil); !errors.Is(err, ErrClosed) {
			t.Errorf("Do on an ended connection = %v, want ErrClosed", err)
		}
	})
}

func TestErrorOfDeliverEndsTheQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("full")
		ours, theirs := net.Pipe()
		conn := newConn(ours, testServer().withDefaults(), ourDUID, newNotes(nil))
		ran := make(chan error)
		go func() { ran <- conn.Run(t.Context()) }()
		go func() {
			p := newPeer(t, theirs)
			id := p.must().id
			p.say(reply(id, lease("2001:db8:8000::/56")), data(id), done(id))
		}()
		if _, err := conn.Do(t.Context(), byRelayID, func(Part) error { return full }); err != full {
			t.Errorf("Do = %v, want the callback's error", err)
		}
		if err := <-ran; !errors.Is(err, full) {
			t.Errorf("Run = %v, want the callback's error", err)
		}
	})
}
