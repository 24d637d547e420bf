#!/bin/sh
# What dhclient and dhcpcd call when something happens to a lease. It changes
# nothing and prints a line for each lease: "lease BOUND6 2001:db8::/56 30 40 99",
# with the preferred and the valid lifetime, and the time in Unix seconds.
# shellcheck disable=SC2154  # the client sets the variables

case $reason in
	EXPIRE6 | RELEASE6 | STOP6) which=old ;;
	*) which=new ;;
esac

# value NAME prints the variable WHICH_NAME.
value() { eval "printf %s \"\${${which}_$1:-}\""; }

# tell LEASE PREFERRED VALID
tell() {
	if [ -n "$1" ]; then
		echo "lease $reason $1 ${2:-0} ${3:-0} $(date +%s)"
	fi
}

# dhclient calls once for each lease.
tell "$(value ip6_prefix)" "$(value preferred_life)" "$(value max_life)"
tell "$(value ip6_address)" "$(value preferred_life)" "$(value max_life)"

# dhcpcd numbers the associations, and the leases in each.
for ia in 1 2 3 4; do
	for i in 1 2 3 4; do
		pd=dhcp6_ia_pd${ia}_prefix$i
		prefix=$(value "$pd")
		tell "${prefix:+$prefix/$(value "${pd}_length")}" "$(value "${pd}_pltime")" "$(value "${pd}_vltime")"
		na=dhcp6_ia_na${ia}_ia_addr$i
		tell "$(value "$na")" "$(value "${na}_pltime")" "$(value "${na}_vltime")"
	done
done
