package lqclient

import (
	"slices"
	"sync"

	"leaseroute/binding"
)

// A job is what a round is to ask for: all, or some links. The zero job is
// nothing: then only suspects are left to ask about.
type job struct {
	all     bool
	links   []Link // without all
	request uint64 // the last one that is in it; 0: none is
}

func (j job) empty() bool { return !j.all && len(j.links) == 0 }

// merge takes in another job. All includes any link.
func (j *job) merge(other job) {
	j.request = max(j.request, other.request)
	if j.all || other.all {
		j.all, j.links = true, nil
		return
	}
	for _, l := range other.links {
		if !slices.Contains(j.links, l) {
			j.links = append(j.links, l)
		}
	}
}

// A scope is what one pair of marks is about: all, or one interface.
type scope struct {
	all       bool
	links     []Link
	Interface binding.Interface // without all; 0 if unknown
}

// scopes splits the job by interface, so that a mark speaks for all addresses
// that an interface has.
func (j job) scopes() []scope {
	var scopes []scope
	for _, l := range j.links {
		i := slices.IndexFunc(scopes, func(s scope) bool { return s.Interface == l.Interface })
		if i < 0 {
			i = len(scopes)
			scopes = append(scopes, scope{Interface: l.Interface})
		}
		scopes[i].links = append(scopes[i].links, l)
	}
	return scopes
}

// requests gathers what is asked for while the requestor does something else.
type requests struct {
	wake chan struct{} // holds a token while something may be waiting

	mu   sync.Mutex
	next job
	last uint64 // number of the last request for a round
}

func newRequests() *requests { return &requests{wake: make(chan struct{}, 1)} }

// add asks for a job, and returns the number of the request. It never blocks.
func (r *requests) add(j job) uint64 {
	n := r.enter(j)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return n
}

func (r *requests) enter(j job) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !j.empty() {
		r.last++
		j.request = r.last
	}
	r.next.merge(j)
	return r.last
}

// take returns all that was asked for since the last time.
func (r *requests) take() job {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.next
	r.next = job{}
	return j
}

// waiting reports whether something was asked for.
func (r *requests) waiting() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.next.empty()
}
