#!/usr/bin/env bash
# Brings a bare Debian 12 to where Spillway builds and runs: system packages, LibTorch, Open MPI, text for the demo corpus.
# Usage: scripts/setup.sh [--checks]     --checks also brings the Python cross-checks that the tests use
#   SPILLWAY_CACHE   folder of the downloads    (default: ~/.cache/spillway)
#   SPILLWAY_CUDA    auto | on | off            (default: auto: on when a CUDA 13 toolkit with NCCL is found)
# Does nothing, and asks nothing of the network, when all of it is there.
set -euo pipefail
# shellcheck source=scripts/paths.sh
. "$(dirname "${BASH_SOURCE[0]}")/paths.sh"

checks=no
case "${1:-}" in
  --checks) checks=yes ;;
  "") ;;
  *) sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

say() { echo "setup: $*"; }
die() { echo "setup: $*" >&2; exit 3; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "'$*' needs root and there is no sudo; ask an administrator to run it"; fi
}

install_system_packages() {
  local wanted=(g++ cmake ninja-build ccache mold git python3 python3-venv
    libhdf5-dev libcxxopts-dev libtomlplusplus-dev nlohmann-json3-dev libspdlog-dev libxxhash-dev libhwy-dev
    libyaml-cpp-dev libicu-dev zlib1g-dev libgtest-dev libbenchmark-dev)
  [ $checks = no ] || wanted+=(clang-format clang-tidy-19 iproute2)
  local missing=() package
  for package in "${wanted[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "apt-get install ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# Fills an environment (runtime | check) in one go; the mark .complete is written last, so a half-finished one is redone.
install_environment() {
  local folder; folder="$(spillway_environment "$1")"
  [ -e "$folder/.complete" ] && return
  [ ! -e "$folder" ] || say "$folder is half-finished: doing it again"
  rm -rf "$folder"
  say "Python wheels ($1) into $folder"
  "$spillway_python" -m venv "$folder"
  # shellcheck disable=SC2046  # sections are words
  spillway_pins $(spillway_sections "$1") >"$folder/requirements.txt"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$folder/requirements.txt"
  [ "$1" = runtime ] || (cd "$SPILLWAY_WHEELS"/lib/python3*/site-packages && pwd) >"$(echo "$folder"/lib/python3*/site-packages)/runtime.pth"
  touch "$folder/.complete"
}

# Real text for the demo corpus: the kernel's documentation, unpacked without installing it.
install_kernel_documentation() {
  local folder="$spillway_cache/linux-doc"
  [ -e "$folder/.complete" ] && return
  say "Debian's linux-doc into $folder"
  rm -rf "$folder" && mkdir -p "$folder"
  local package
  package="$(apt-cache depends linux-doc 2>/dev/null | awk '/Depends: linux-doc-/ { print $2; exit }')"
  if [ -z "$package" ]; then
    as_root apt-get -o DPkg::Lock::Timeout=300 update -qq
    package="$(apt-cache depends linux-doc | awk '/Depends: linux-doc-/ { print $2; exit }')"
  fi
  [ -n "$package" ] || die "the package linux-doc is in none of the configured Debian sources"
  (cd "$folder" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg-deb -x ./*.deb . && rm ./*.deb)
  mv "$folder/usr/share/doc/$package/Documentation" "$folder/Documentation"
  rm -rf "${folder:?}/usr"
  touch "$folder/.complete"
}

install_system_packages
mkdir -p "$spillway_cache"
exec 9>"$spillway_cache/.lock"
flock 9
install_environment runtime
[ $checks = no ] || install_environment check
install_kernel_documentation
say "ready (CUDA $SPILLWAY_CUDA)"
