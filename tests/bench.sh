#!/usr/bin/env bash
# Builds what is measured exactly as the images get it, then measures. BENCH_ONLY=agent or webhook runs a part.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
. tests/node/lib.sh
. tests/images/binaries.sh
build_static agent blinkchamber-agent
build_static release blinkchamber-webhook blinkchamber-tests
"$(static_binary release blinkchamber-bench)"
