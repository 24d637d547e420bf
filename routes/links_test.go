package routes

import (
	"testing"
)

func TestNumbers(t *testing.T) {
	l := NewLinks(LinksOptions{Access: []string{"acc*", "core9"}, Core: []string{"core?"}})
	a, c := l.Number("acc0"), l.Number("core0")
	if a == 0 || c == 0 || a == c {
		t.Fatalf("numbers %d and %d", a, c)
	}
	l.now.Store(l.build([]device{{index: 7, name: "acc0"}}, nil))
	l.now.Store(l.build(nil, nil))
	if l.Number("acc0") != a || l.Name(a) != "acc0" {
		t.Error("a number is not kept while the interface is away")
	}
	if n := l.Number("veth1234"); n != 0 {
		t.Errorf("number %d for a name that is neither access nor core", n)
	}
	if l.Name(0) != "" || l.Name(99) != "" {
		t.Error("a name for a number that was not given")
	}
}

func TestInterfaces(t *testing.T) {
	l := resolveLinks()
	var names string
	for _, i := range l.Interfaces() {
		names += i.Name + " "
		if i.Access && i.Core {
			t.Errorf("%s is both", i.Name)
		}
		if (i.Number != 0) != (i.Access || i.Core) {
			t.Errorf("%s has number %d", i.Name, i.Number)
		}
	}
	if i := l.Interfaces()[0]; len(i.LinkLocal) != 1 || i.LinkLocal[0].String() != "fe80::1" || len(i.Addresses) == 0 {
		t.Errorf("%s has %v and, link-local, %v", i.Name, i.Addresses, i.LinkLocal)
	}
	if want := "acc0 acc1 acc2 acc3 acc4 core0 core9 lo ppp0 "; names != want {
		t.Errorf("interfaces %s, want %s", names, want)
	}
}
