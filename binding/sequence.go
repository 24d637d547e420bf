package binding

// A sequence is a server's sequence number as far as it may be used.
type sequence struct {
	value  uint64
	epoch  uint16 // of the server's numbers (R85)
	narrow bool   // four octets: serial number arithmetic
	known  bool
}

// meets reports whether two numbers of one server can be compared.
func (s sequence) meets(o sequence) bool {
	return s.known && o.known && s.epoch == o.epoch && s.narrow == o.narrow
}

// beyond is by how much s is greater than o; negative if it is smaller (R86).
// A difference of 64-bit numbers that does not fit is cut off.
func (s sequence) beyond(o sequence) int64 {
	if s.narrow {
		return int64(int32(uint32(s.value) - uint32(o.value)))
	}
	if s.value >= o.value {
		return int64(min(s.value-o.value, 1<<63-1))
	}
	return -int64(min(o.value-s.value, 1<<63-1))
}

// An identity is a DHCP server by its DUID, with the state of its sequence
// numbers.
type identity struct {
	duid    string
	records int

	highest  sequence // accepted so far
	losses   int      // in a row: numbers that say older where the CLT says later
	lastLoss uint64
}

// identities interns server DUIDs, numbered from 1.
type identities struct {
	list []identity
	byID map[string]uint16
}

// mostIdentities bounds how many server DUIDs are remembered: a configured
// server has one, or a few over the years.
const mostIdentities = 1 << 10

// number returns the number of a server DUID; 0 for none, and when more than
// the bound are in use.
func (s *identities) number(duid []byte) uint16 {
	if len(duid) == 0 {
		return 0
	}
	if n, ok := s.byID[string(duid)]; ok {
		return n
	}
	return s.add(string(duid))
}

func (s *identities) add(duid string) uint16 {
	if s.byID == nil {
		s.byID = make(map[string]uint16)
	}
	n := s.vacant()
	if n == 0 {
		return 0
	}
	delete(s.byID, s.at(n).duid)
	*s.at(n) = identity{duid: duid}
	s.byID[duid] = n
	return n
}

// vacant finds a number for a new DUID: an unused one, else that of a server
// that no record names.
func (s *identities) vacant() uint16 {
	if len(s.list) < mostIdentities {
		s.list = append(s.list, identity{})
		return uint16(len(s.list))
	}
	for i := range s.list {
		if s.list[i].records == 0 {
			return uint16(i + 1)
		}
	}
	return 0
}

func (s *identities) at(n uint16) *identity { return &s.list[n-1] }

// count notes that more or fewer records name server n.
func (s *identities) count(n uint16, more int) {
	if n != 0 {
		s.at(n).records += more
	}
}

func (s *identities) duid(n uint16) string {
	if n == 0 {
		return ""
	}
	return s.at(n).duid
}

// sequenceOf takes the number that an observation carries, if it may be used:
// from a configured server (R83) that names itself, and not so far ahead that
// accepting it would lock out all later ones (R84).
func (t *Table) sequenceOf(o *Observation, n uint16) sequence {
	if !o.HasSequence || n == 0 || o.Server == 0 {
		return sequence{}
	}
	id := t.identities.at(n)
	s := sequence{value: o.Sequence, epoch: id.highest.epoch, narrow: o.Sequence32, known: true}
	if !s.meets(id.highest) {
		id.highest = s
		return s
	}
	ahead := s.beyond(id.highest)
	if ahead > 0 && uint64(ahead) > t.policy.MaxJump {
		t.counts.Lockouts++
		return sequence{}
	}
	if ahead > 0 {
		id.highest = s
	}
	return s
}

// lossesToReset is how many messages in a row must contradict a server's
// sequence numbers before they are held to have begun anew (R85).
const lossesToReset = 3

// contradicted notes how a comparison of two numbers of one server ended, and
// whether the CLT said the opposite. It reports that a new epoch has begun:
// then the statement belongs to it, and the CLT decides (R85).
func (t *Table) contradicted(n *claim, older, later bool) bool {
	id := t.identities.at(n.identity)
	if !older || !later {
		id.losses = 0
		return false
	}
	if id.losses > 0 && id.lastLoss == n.sequence.value {
		return false // the same message, about another lease
	}
	id.lastLoss = n.sequence.value
	if id.losses++; id.losses < lossesToReset {
		return false
	}
	n.sequence.epoch++
	id.losses, id.highest = 0, n.sequence
	t.counts.EpochResets++
	return true
}
