#!/usr/bin/env bash
# Fetches ISC Kea 3.0 (kea-dhcp6 and its hooks) with all libraries that it
# needs into a folder of its own, .cache/kea, and prints that folder: from
# Debian 13 with backports, else Debian 14. debtree.sh says how.
set -euo pipefail

# Package lab hands both files to bash in one.
# shellcheck disable=SC1091
declare -F debtree >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/debtree.sh"

debtree kea 'kea-dhcp6-server 3.0, recipe 1' '20 s, 90 MB' 'trixie-backports forky' kea-dhcp6-server=3.0
