#!/usr/bin/env bash
# Installs what is missing, builds, runs every test, prints the totals.
# Usage: scripts/test.sh [ctest arguments, e.g. -L unit or -R pipeline]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh --checks
# shellcheck source=scripts/env.sh
. scripts/env.sh
cmake --preset release
cmake --build --preset release
ctest --preset release "$@"
