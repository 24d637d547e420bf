package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

//go:generate go test -run ^TestCommandsDocument$ -update .

var update = flag.Bool("update", false, "write docs/commands.md anew")

const commandsDocument = "../../docs/commands.md"

// TestCommandsDocument holds docs/commands.md against the commands.
func TestCommandsDocument(t *testing.T) {
	got := describeCommands()
	if *update {
		if err := os.WriteFile(commandsDocument, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(commandsDocument)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of step, see go generate ./cmd/leaseroute (-file +made):\n%s", commandsDocument, diff)
	}
}

// describeCommands is the document: every command with its flags.
func describeCommands() string {
	var s strings.Builder
	s.WriteString(`# Commands

Made from the commands themselves by ` + "`go generate ./cmd/leaseroute`" + `. The same is
in ` + "`leaseroute COMMAND --help`" + ` and in the manual pages.

Errors go to stderr. The exit code is 0 if all went well, 1 if something failed,
and 2 if the command line or the configuration is wrong. What a program may read
has ` + "`--json`" + `: times are RFC 3339 in UTC, and what is infinite or unknown is null.
States are coloured on a terminal, unless NO_COLOR is set.
`)
	root := newRoot()
	root.InitDefaultCompletionCmd()
	fmt.Fprintf(&s, "\nEvery command takes:\n\n```\n%s```\n", root.PersistentFlags().FlagUsages())
	describeBelow(&s, root)
	return s.String()
}

func describeBelow(s *strings.Builder, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if !c.HasAvailableSubCommands() {
			describeCommand(s, c)
		}
		describeBelow(s, c)
	}
}

func describeCommand(s *strings.Builder, c *cobra.Command) {
	fmt.Fprintf(s, "\n## %s\n\n%s.\n", strings.TrimPrefix(c.CommandPath(), "leaseroute "), strings.TrimSuffix(c.Short, "."))
	if long := strings.TrimSpace(c.Long); long != "" && c.Parent().Name() != "completion" {
		fmt.Fprintf(s, "\n%s\n", long)
	}
	fmt.Fprintf(s, "\n```\n%s\n", c.UseLine())
	if c.HasExample() {
		fmt.Fprintf(s, "\n%s\n", c.Example)
	}
	if flags := c.LocalNonPersistentFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(s, "\n%s", flags.FlagUsages())
	}
	s.WriteString("```\n")
}
