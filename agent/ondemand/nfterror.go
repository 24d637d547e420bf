package ondemand

import "errors"

// Errors of Run that a caller can tell apart. Each says what to do.
var (
	// ErrCapability reports that the kernel doesn't let us near its rules. The
	// capability counts in the user namespace that the network namespace
	// belongs to.
	ErrCapability = errors.New("CAP_NET_ADMIN is missing here: run as root, or give it to the service (AmbientCapabilities=CAP_NET_ADMIN)")
	// ErrKernel reports a kernel that lacks nftables, or a part that is needed.
	ErrKernel = errors.New("the kernel lacks what the rules need: load the modules nf_tables, nft_fib_inet, nft_limit, nft_log and nfnetlink_log, or do without on-demand lookups")
	// ErrGroupTaken reports that somebody else listens to the NFLOG group.
	ErrGroupTaken = errors.New("another process listens to this NFLOG group (ulogd, or a second leaseroute): choose another group for one of them")
)
