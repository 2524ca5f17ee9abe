# Where the set-up lives; sourced by setup.sh and env.sh. Sets:
#   SPILLWAY_HOME     this checkout
#   SPILLWAY_WHEELS   environment with LibTorch, Open MPI and what the scripts import
#   SPILLWAY_CHECKS   environment of the tests' Python cross-checks
#   SPILLWAY_CUDA     on | off, resolved from auto (a CUDA toolkit of major version 13 is on the PATH or in /usr/local/cuda)
# Each environment is keyed by the pins that fill it: another checkout with the same pins shares it.

SPILLWAY_HOME="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
spillway_cache="${SPILLWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/spillway}"
spillway_python="${SPILLWAY_PYTHON:-/usr/bin/python3}"

spillway_toolkit_found() {
  local nvcc
  nvcc="$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)"
  [ -x "$nvcc" ] && "$nvcc" --version | grep -q 'release 13\.' || return
  find "$(dirname "$(readlink -f "$nvcc")")/../lib64/" /usr/lib/x86_64-linux-gnu -maxdepth 1 -name 'libnccl.so*' | grep -q .
}

case "${SPILLWAY_CUDA:-auto}" in
  on | off) ;;
  auto) if spillway_toolkit_found 2>/dev/null; then SPILLWAY_CUDA=on; else SPILLWAY_CUDA=off; fi ;;
  *) echo "SPILLWAY_CUDA: '$SPILLWAY_CUDA' is not one of auto, on, off" >&2; return 2 2>/dev/null || exit 2 ;;
esac

# Prints the pins of the named sections of requirements.txt, one a line.
spillway_pins() {
  awk -v wanted=" $* " '/^#:/ { on = index(wanted, " " $2 " "); next } /^[^#]/ && on' \
    "$SPILLWAY_HOME/scripts/requirements.txt"
}

# Prints the sections of an environment (runtime | check).
spillway_sections() {
  case "$1-$SPILLWAY_CUDA" in
    runtime-on) echo runtime toolkit ;;
    runtime-off) echo runtime no-toolkit ;;
    check-on) echo check ;;
    check-off) echo check check-no-toolkit ;;
  esac
}

# Prints the folder of an environment (runtime | check). The second sees the packages of the first.
spillway_environment() {
  # shellcheck disable=SC2046  # sections are words
  echo "$spillway_cache/$1-$({ "$spillway_python" --version 2>&1; spillway_pins runtime $(spillway_sections "$1"); } |
    sha256sum | cut -c1-12)"
}

SPILLWAY_WHEELS="$(spillway_environment runtime)"
SPILLWAY_CHECKS="$(spillway_environment check)"
