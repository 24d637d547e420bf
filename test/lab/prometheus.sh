#!/usr/bin/env bash
# Fetches Prometheus, of which promtool checks rules and metrics, with all
# libraries that it needs into a folder of its own, .cache/prometheus, and
# prints that folder: from Debian 12, else Debian 13. debtree.sh says how.
set -euo pipefail

# Package lab hands both files to bash in one.
# shellcheck disable=SC1091
declare -F debtree >/dev/null || source "$(dirname "${BASH_SOURCE[0]}")/debtree.sh"

debtree prometheus 'Prometheus, recipe 1' '10 s, 340 MB' 'bookworm trixie' prometheus
