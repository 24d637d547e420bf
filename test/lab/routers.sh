#!/usr/bin/env bash
# Fetches routing daemons, FRR (zebra, bgpd) and BIRD 2, with all libraries
# that they need into a folder of its own, .cache/routers, and prints that
# folder: from Debian 13, else Debian 12. debtree.sh says how.
set -euo pipefail

# Package lab hands both files to bash in one.
# shellcheck disable=SC1091
declare -F debtree >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/debtree.sh"

debtree routers 'FRR and BIRD 2, recipe 2' '15 s, 80 MB' 'trixie bookworm' frr bird2
