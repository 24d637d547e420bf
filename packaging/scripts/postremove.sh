#!/bin/sh
# After removal, of the .deb ("remove", "purge", ...) and of the .rpm. The
# user stays, as the owner of what may have been copied elsewhere.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
if [ "$1" = purge ]; then
	rm -rf /var/lib/leaseroute
fi
