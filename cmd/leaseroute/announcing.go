package main

import (
	"fmt"
	"strings"

	"leaseroute/agent/control"
)

// announcing says whether routing daemons know our routes, and who lost some.
func announcing(a control.Announcing) string {
	text := a.State
	switch {
	case a.Error != "":
		text += ": " + a.Error
	case a.State == "repeating":
		text += fmt.Sprintf(" all routes, pass %d", a.Pass)
	}
	if len(a.Listeners) == 0 {
		return text
	}
	lost := make([]string, len(a.Listeners))
	for i, l := range a.Listeners {
		program := fmt.Sprintf("%s[%d]", l.Program, l.Pid)
		if l.Pid == 0 {
			program = fmt.Sprintf("socket %d", l.Inode)
		}
		lost[i] = fmt.Sprintf("%s lost %d", program, l.Lost)
	}
	return text + "; " + strings.Join(lost, ", ") + " since the start"
}
