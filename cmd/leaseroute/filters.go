package main

import (
	"context"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"leaseroute/agent/control"
)

// filters are the flags that choose what a list shows. The daemon applies
// them: a million bindings are not sent to be thrown away.
type filters struct {
	interfaces, clients, servers, states, kinds, within []string
}

// flags defines the flags that a list has. states are what --state may be.
func (f *filters) flags(cmd *cobra.Command, g *globals, states ...string) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.interfaces, "interface", nil, "only what is on this interface; each filter may be repeated")
	flags.StringSliceVar(&f.clients, "client", nil, "only what is of this client: a DUID in hex")
	flags.StringSliceVar(&f.servers, "server", nil, "only what is of this server, by its name")
	flags.StringSliceVar(&f.states, "state", nil, "only what is in this state")
	flags.StringSliceVar(&f.within, "within", nil, "only what lies in this prefix")
	complete(cmd, "interface", g.interfaceNames)
	complete(cmd, "server", g.serverNames)
	complete(cmd, "state", words(states...))
	complete(cmd, "client", words())
	complete(cmd, "within", words())
}

// query has the flags as parameters of a request.
func (f *filters) query() url.Values {
	return url.Values{
		"interface": f.interfaces, "client": f.clients, "server": f.servers,
		"state": f.states, "kind": f.kinds, "within": f.within,
	}
}

// patienceOfShell bounds how long a command line waits for its completion.
const patienceOfShell = time.Second

// A completer says what an argument or a flag's value may be.
type completer func(cmd *cobra.Command) []string

// complete has the shell complete a flag's values by what c says.
func complete(cmd *cobra.Command, flag string, c completer) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic(err) // there is no such flag
	}
}

// words completes by words that are known beforehand.
func words(all ...string) completer {
	return func(*cobra.Command) []string { return all }
}

func (g *globals) interfaceNames(cmd *cobra.Command) []string { return g.names(cmd).Interfaces }

func (g *globals) serverNames(cmd *cobra.Command) []string { return g.names(cmd).Servers }

// names asks the daemon for names; none if it does not answer.
func (g *globals) names(cmd *cobra.Command) (n control.Names) {
	c, err := g.client(cmd)
	if err != nil {
		return n
	}
	ctx, cancel := context.WithTimeout(context.Background(), patienceOfShell)
	defer cancel()
	if err := c.Get(ctx, "/v1/names", nil, &n); err != nil {
		return control.Names{}
	}
	return n
}
