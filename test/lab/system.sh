#!/usr/bin/env bash
# Fetches a small Debian with systemd and dpkg into a folder of its own,
# .cache/system, and prints that folder: a clean machine to install packages
# on. debtree.sh says how, boot.sh starts it.
set -euo pipefail

# Package lab hands both files to bash in one.
# shellcheck disable=SC1091
declare -F debtree >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/debtree.sh"

debtree system 'Debian with systemd, recipe 1' '10 s, 100 MB' 'bookworm trixie' \
	base-files bash coreutils dash diffutils dpkg grep gzip iproute2 libc-bin procps sed systemd util-linux
