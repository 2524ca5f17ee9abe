#!/usr/bin/env bash
# The whole of Spillway once: installs what is missing, builds, makes a corpus out of real text (the kernel's documentation in English and
# Chinese, and chatterbot-corpus dialogues), trains 2 stages x 2 replicas on mutated samples, and writes an HTML report.
# Usage: scripts/demo.sh [--section.key=value ...]   settings are passed on to `spillway train`
#   Everything it writes is in runs/demo; a second call goes on from the last checkpoint.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scripts/setup.sh
# shellcheck source=scripts/env.sh
. scripts/env.sh
cmake --preset release >/dev/null
cmake --build --preset release --target spillway

documentation="$spillway_cache/linux-doc/Documentation"
dialogues="$(echo "$SPILLWAY_WHEELS"/lib/python3*/site-packages/chatterbot_corpus/data)"
if [ ! -e runs/demo/corpus/manifest.json ]; then
  spillway corpus build --from "$documentation" "$dialogues/english" "$dialogues/chinese" --out runs/demo/corpus --unit paragraph
fi

# Open MPI binds ranks to cores and refuses more ranks than cores; four ranks here may share two.
timeout -k 5 1200 mpirun --timeout 1190 -np 4 --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 \
  spillway train configs/presets/demo.toml "$@"
echo "report: $(python scripts/report.py runs/demo)"
