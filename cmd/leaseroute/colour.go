package main

import "github.com/fatih/color"

// Colours are for a terminal alone, unless NO_COLOR is set or TERM is dumb:
// the library sees to that.
var (
	heading  = color.New(color.Bold)
	good     = color.New(color.FgGreen)
	middling = color.New(color.FgYellow)
	bad      = color.New(color.FgRed)
	faint    = color.New(color.Faint)
)

// shades are the colours of the states that an operator sees.
var shades = map[string]*color.Color{
	"installed": good, "suspect": middling, "unresolved": middling, "pending": middling, "refused": bad, "kept": faint,
	"recovered": good, "recovering": middling, "starting": middling, "degraded": bad,
	"complete": good, "connecting": middling, "querying": middling, "failed": bad, "idle": faint,
	"ready": good, "silent": bad, "closed": bad, "off": faint,
	"found": good, "under way": middling, "in doubt": middling, "unrouted": middling, "unanswered": bad, "denied": faint, "held off": faint,
}

// paint colours a cell of a table: what a column of states says, and errors.
func paint(column, cell string) string {
	switch column {
	case "state", "lookup":
		return shade(cell)
	case "error":
		if cell != "-" {
			return bad.Sprint(cell)
		}
	}
	return cell
}

// shade colours a state.
func shade(state string) string {
	if c := shades[state]; c != nil {
		return c.Sprint(state)
	}
	return state
}
