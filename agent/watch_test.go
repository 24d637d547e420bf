package agent

import (
	"testing"
	"time"

	"leaseroute/binding"
)

// TestWatchersMiss has a watcher that reads too late, and one that does not:
// the one hears how much it missed, before anything that came later, and the
// other hears all.
func TestWatchersMiss(t *testing.T) {
	slow, quick := &watcher{queue: make(chan news, 2)}, &watcher{queue: make(chan news, 10)}
	w := watching{all: []*watcher{slow, quick}}
	event := func(n binding.Server) news { return news{server: &serverNews{number: n}} }
	for n := range binding.Server(5) {
		w.tell(event(n))
	}
	got := []news{<-slow.queue, <-slow.queue}
	if got[0].server.number != 0 || got[1].server.number != 1 {
		t.Errorf("the slow one hears first of %d and %d, want 0 and 1", got[0].server.number, got[1].server.number)
	}
	w.tell(event(5))
	if n := <-slow.queue; n.missed != 3 {
		t.Errorf("then %+v, want that it missed 3", n)
	}
	if n := <-slow.queue; n.server == nil || n.server.number != 5 {
		t.Errorf("then %+v, want event 5", n)
	}

	// What the table itself had no room for counts too.
	w.tell(event(6))
	w.tell(event(7))
	w.tell(news{missed: 100})
	<-slow.queue
	<-slow.queue
	slow.catchUp(time.Now())
	if n := <-slow.queue; n.missed != 100 {
		t.Errorf("then %+v, want that it missed 100", n)
	}
	if n := len(quick.queue); n != 9 {
		t.Errorf("the quick one hears of %d, want 9", n)
	}
}
