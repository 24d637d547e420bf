package routes

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A Survey is what one look at the kernel's routes shows of an operator's
// blocks.
type Survey struct {
	Ours    int          // routes with our protocol number in our table, covering ones aside
	Covered []Cover      // the routes of exactly each block, in the order of the blocks
	Strange []Stranger   // routes with our protocol number that can't be ours
	Inside  []Stranger   // other programs' routes inside the blocks, the first of them
	Links   []Stranger   // connected prefixes that overlap a block
	Default netip.Prefix // ::/0 if there is a default route; invalid if there is none
}

// A Cover says which route there is to exactly a block.
type Cover struct {
	Block netip.Prefix
	Ours  bool
	Words string // of the route; "": there is none
}

// A Stranger is a route that somebody else made.
type Stranger struct {
	Prefix netip.Prefix
	Words  string // as iproute2 would print it
}

// maxStrangers bounds each list of a survey.
const maxStrangers = 16

// Look surveys the IPv6 routes of the caller's network namespace.
func Look(o Options) (Survey, error) {
	s, err := openSocket()
	if err != nil {
		return Survey{}, fmt.Errorf("survey the routes: %w", err)
	}
	defer s.close()
	v := surveyor{options: o, survey: Survey{Covered: make([]Cover, len(o.Allowed))}}
	for i, p := range o.Allowed {
		v.survey.Covered[i].Block = p
	}
	err = s.list(appendRouteDump(nil, unix.RT_TABLE_UNSPEC), func(b []byte) error {
		return each(b, v.take)
	})
	if err != nil {
		return Survey{}, fmt.Errorf("survey the routes: %w", err)
	}
	return v.survey, nil
}

type surveyor struct {
	options Options
	survey  Survey
}

func (v *surveyor) take(m message) error {
	if m.kind != unix.RTM_NEWROUTE {
		return nil
	}
	r, err := parseRoute(m.payload)
	if err != nil || r.cached || r.table == unix.RT_TABLE_LOCAL {
		return err
	}
	v.route(&r)
	return nil
}

// route files one route.
func (v *surveyor) route(r *route) {
	s, ours := &v.survey, r.protocol == v.options.Protocol
	block := v.block(r.prefix)
	for i, p := range v.options.Allowed {
		if r.prefix == p && (s.Covered[i].Words == "" || ours) {
			s.Covered[i] = Cover{p, ours, r.words(v.options.Table)}
		}
	}
	switch {
	case ours && (r.table != v.options.Table || !block.IsValid()):
		v.add(&s.Strange, r)
	case ours && !r.aggregate():
		s.Ours++
	case ours:
	case r.connected() && v.overlaps(r.prefix):
		v.add(&s.Links, r)
	case block.IsValid() && r.prefix != block && !r.connected():
		v.add(&s.Inside, r)
	case r.prefix.Bits() == 0 && r.kind == unix.RTN_UNICAST:
		s.Default = r.prefix
	}
}

func (v *surveyor) add(list *[]Stranger, r *route) {
	if len(*list) < maxStrangers {
		*list = append(*list, Stranger{r.prefix, r.words(v.options.Table)})
	}
}

// block returns the allowed block that p lies in; invalid: in none.
func (v *surveyor) block(p netip.Prefix) netip.Prefix {
	for _, a := range v.options.Allowed {
		if a.Bits() <= p.Bits() && a.Contains(p.Addr()) {
			return a
		}
	}
	return netip.Prefix{}
}

func (v *surveyor) overlaps(p netip.Prefix) bool {
	for _, a := range v.options.Allowed {
		if a.Overlaps(p) {
			return true
		}
	}
	return false
}
