#!/usr/bin/env bash
# Fetches DHCPv6 programs that are met in the field, with all libraries that
# they need, into a folder of its own, .cache/peers, and prints that folder:
# ISC's dhcpd, dhcrelay and dhclient, dhcp6c of WIDE, and dhcpcd, from Debian
# 12, else Debian 13. debtree.sh says how.
set -euo pipefail

# Package lab hands both files to bash in one.
# shellcheck disable=SC1091
declare -F debtree >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/debtree.sh"

debtree peers 'DHCPv6 servers, relays and clients, recipe 1' '10 s, 70 MB' 'bookworm trixie' \
	isc-dhcp-server isc-dhcp-relay isc-dhcp-client wide-dhcpv6-client dhcpcd-base
