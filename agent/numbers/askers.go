package numbers

// askers are those who ask the daemon.
var askers = []Number{
	worth("control_connections_dropped", "connections to the control socket that made room for others: they asked nothing, or there were too many"),
	worth("metrics_connections_dropped", "connections to metrics.listen that made room for others: they asked nothing, or there were too many"),
}
