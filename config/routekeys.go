package config

import "time"

// routeKeys are about the kernel.
func routeKeys() []entry[Config] {
	return []entry[Config]{
		optional("routes.table", "main", routeTable(),
			func(c *Config, table uint32) { c.Routes.Table = table },
			"The routing table that the routes go to."),
		optional("routes.protocol", 158, routeProtocol(),
			func(c *Config, n int64) { c.Routes.Protocol = uint8(n) },
			"The route protocol number that marks our routes. Nobody else may use it."),
		optional("routes.metric", 1024, integer(1, maxMetric),
			func(c *Config, n int64) { c.Routes.Metric = uint32(n) },
			"The metric of our routes."),
		optional("routes.aggregate", "blackhole", choice(word[bool]{"blackhole", true}, word[bool]{"none", false}),
			func(c *Config, blackhole bool) { c.Routes.Blackhole = blackhole },
			"The covering route for each block of delegation.allowed: it stops traffic for unused prefixes from looping to the core and back."),
		optional("routes.on_exit", "keep", choice(word[bool]{"keep", false}, word[bool]{"remove", true}),
			func(c *Config, remove bool) { c.Routes.RemoveOnExit = remove },
			"What happens to our routes when the daemon stops."),
		optional("routes.fail_safe", true, boolean(),
			func(c *Config, on bool) { c.Routes.FailSafe = on },
			"Give each route an expiry in the kernel, so that it goes even if the daemon has died."),
		optional("routes.fail_safe_margin", "10m", duration(time.Second, longest),
			func(c *Config, d time.Duration) { c.Routes.FailSafeMargin = d },
			"How long after the lease that expiry is."),
		optional("routes.adopt_hold", "24h", duration(0, longest),
			func(c *Config, d time.Duration) { c.Routes.AdoptHold = d },
			"How long a route found at start is kept if it has no expiry and no server claims or denies it."),
		optional("routes.install_rate", 0, integer(0, 100_000_000),
			func(c *Config, n int64) { c.Routes.InstallRate = int(n) },
			"The most routes that are written or deleted in a second; 0 is full speed."),
		optional("routes.announce_rate", 20_000, integer(0, 100_000_000),
			func(c *Config, n int64) { c.Routes.AnnounceRate = int(n) },
			"How many routes are told again in a second to routing daemons that lost a burst of changes, until they lose none; 0 is never."),
	}
}
