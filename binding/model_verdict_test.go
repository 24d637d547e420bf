package binding

import "time"

// verdict: +1 the word wins, 0 it is the same exchange, -1 it loses.
func (m *model) verdict(l *lease, w *word) int {
	if l.source == FromKernel {
		return 1
	}
	eps := int(m.p.EPS / time.Millisecond)
	if w.epoch > 0 && w.epoch == l.epoch && string(w.ServerDUID) == l.duid {
		s := m.servers[l.duid]
		switch {
		case w.Sequence > l.seq:
			s.losses = 0
			return 1
		case w.Sequence < l.seq && w.clt-l.clt <= eps:
			s.losses = 0
			return -1
		case w.Sequence < l.seq:
			if s.losses > 0 && s.last == w.Sequence {
				return -1
			}
			s.last = w.Sequence
			if s.losses++; s.losses < 3 {
				return -1
			}
			s.losses = 0
			s.epoch++
			s.highest = w.Sequence
			w.epoch = s.epoch
		case m.sameContent(l, w, eps):
			return 0
		}
	}
	if w.Source == FromGlean && l.source == FromGlean {
		eps = 0
	}
	switch {
	case w.clt > l.clt+eps:
		return 1
	case w.clt < l.clt-eps:
		return -1
	case string(w.Client) == l.client:
		return 0
	}
	return m.tie(l, w)
}

func (m *model) sameContent(l *lease, w *word, eps int) bool {
	port, hop := m.place(w.Key, l)
	if w.Interface != 0 && port != 0 && (w.Interface != port || w.NextHop != hop) {
		return false
	}
	apart := max(w.valid-l.valid, l.valid-w.valid) <= eps
	return string(w.Client) == l.client && (w.valid == l.valid || apart && max(w.valid, l.valid) < modelForever)
}

func (m *model) tie(l *lease, w *word) int {
	steps := []int{
		int(w.Source) - int(l.source),
		modelOrder(l.server) - modelOrder(w.Server),
		duidOrder(l.duid, string(w.ServerDUID)),
		w.recv - l.recv,
		w.clt - l.clt,
		duidOrder(l.client, string(w.Client)),
	}
	for _, d := range steps {
		if d > 0 {
			return 1
		}
		if d < 0 {
			return -1
		}
	}
	panic("not a conflict")
}

func modelOrder(s Server) int {
	if s == 0 {
		return 100
	}
	return int(s)
}

// duidOrder is positive if b comes before a; an unknown one comes last.
func duidOrder(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "", b != "" && b < a:
		return 1
	}
	return -1
}
