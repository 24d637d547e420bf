#!/bin/sh
# After installation, of the .deb ("configure" and the version before, if any)
# and of the .rpm (how many versions there are now). The daemon is not started
# before somebody has configured it.
set -e

case $1 in
configure) before=$2 ;;
[2-9]*) before=some ;;
1) before= ;;
*) exit 0 ;;
esac

systemd-sysusers leaseroute.conf
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# Only if it runs. The routes stay meanwhile.
	if [ -n "$before" ]; then
		systemctl try-restart leaseroute.service || true
	fi
fi
if [ -z "$before" ]; then
	cat <<-'END'
	leaseroute is not started yet. Say in /etc/leaseroute/leaseroute.yaml which
	interfaces and servers there are, and which prefixes; then:
	  leaseroute check
	  systemctl enable --now leaseroute
	END
fi
