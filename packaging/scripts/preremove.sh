#!/bin/sh
# Before removal, of the .deb ("remove") and of the .rpm (0 versions are left).
# An upgrade restarts the daemon afterwards.
set -e

case $1 in
remove | 0) ;;
*) exit 0 ;;
esac

if [ -d /run/systemd/system ]; then
	systemctl --no-reload disable --now leaseroute-recovered.service leaseroute.service || true
else
	systemctl --no-reload disable leaseroute-recovered.service leaseroute.service || true
fi
