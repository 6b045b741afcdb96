#!/usr/bin/env bash
# Installs the platform and looks after it: a thin layer over helm, kubectl and the cluster's own blinkchamber-bootstrap.
# `deploy-umbrella.sh help` lists the commands; deploy/commands.sh holds the table they come from.
set -euo pipefail
if [ "${BASH_VERSINFO[0]}" -lt 5 ]; then
  echo "error: bash $BASH_VERSION is too old" >&2
  echo "  help: bash 5 or newer is needed; on macOS: brew install bash" >&2
  exit 2
fi
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
. "$here/deploy/lib.sh"
. "$here/deploy/commands.sh"
. "$here/deploy/cluster.sh"
. "$here/deploy/preflight.sh"
. "$here/deploy/status.sh"
. "$here/deploy/install.sh"
. "$here/deploy/uninstall.sh"
. "$here/deploy/logs.sh"
. "$here/deploy/operate.sh"
. "$here/deploy/database.sh"
main "$@"
