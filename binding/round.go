package binding

// A server is what the table knows of a server's rounds of queries.
type server struct {
	round uint16               // counts the rounds begun; records are stamped with it
	open  map[Interface]uint16 // rounds under way, by scope
	began instant              // when the last one began, or never
	next  uint32               // block where the search for its suspects goes on
}

// mark takes in the mark at a batch's end.
func (t *Table) mark(b *Batch) {
	if b.Mark == NoMark || b.Server == 0 || b.Server > MaxServers {
		return
	}
	t.known |= serverBit(b.Server)
	s := &t.servers[b.Server]
	switch b.Mark {
	case RoundBegins:
		s.begin(b.Scope, t.instant(b.At))
	case RoundComplete:
		if begun, ok := s.open[b.Scope]; ok {
			t.doubtAbsent(b.Server, b.Scope, begun)
		}
		delete(s.open, b.Scope)
	case RoundIncomplete:
		delete(s.open, b.Scope)
	}
}

func (s *server) begin(scope Interface, at instant) {
	if s.open == nil {
		s.open = make(map[Interface]uint16)
	}
	s.round++
	s.open[scope], s.began = s.round, at
}

// mention notes that the record's own server spoke of the lease, whatever
// becomes of the statement.
func (t *Table) mention(ref uint32, s *statement) {
	if ref == 0 || s.server == 0 {
		return
	}
	if r := t.records.at(ref); r.server == uint8(s.server) {
		r.round = t.servers[s.server].round
	}
}

// doubtAbsent makes suspect what a complete round of a server did not mention
// (R60). Rounds are compared as serial numbers.
func (t *Table) doubtAbsent(s Server, scope Interface, begun uint16) {
	for ref, r := range t.refs() {
		if r.server == uint8(s) && (scope == 0 || r.port == scope) && int16(r.round-begun) < 0 {
			t.doubtAlso(ref, r, AbsentFromRun)
		}
	}
}

// roundBegan is when the server's last round began.
func (t *Table) roundBegan(s Server) instant { return t.servers[s].began }
