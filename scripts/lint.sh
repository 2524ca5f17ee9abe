#!/usr/bin/env bash
# Checks what the compiler does not: layout of the code, include direction, formatting, and (with --tidy) clang-tidy.
# Usage: scripts/lint.sh [--tidy]      --tidy needs a configured build/release
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failures=0
complain() { echo "lint: $1"; [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/  /'; failures=$((failures + 1)); }

sources() { git ls-files --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.cu'; }

# Includes point down or sideways only where the house allows it (see CONTRIBUTING.md).
must_not_include() {
  local hits; hits="$(sources | grep -E "^$1/" | xargs -r grep -nE "^#include \"($2)/" /dev/null)"
  [ -z "$hits" ] || complain "$1/ must not include $2" "$hits"
}
must_not_include configs 'parallel|compression|data|trainer'
must_not_include parallel/comm 'parallel/pipeline|compression|data|trainer'
must_not_include parallel/pipeline 'compression|data|trainer'
must_not_include compression 'parallel/pipeline|data|trainer'
must_not_include data 'parallel|compression|trainer'

extra="$(git ls-files | cut -d/ -f1 | sort -u |
  grep -vxE '\..*|CMakeLists.txt|CMakePresets.json|README.md|CONTRIBUTING.md|LICENSE|configs|parallel|compression|data|trainer|scripts|tests')"
[ -z "$extra" ] || complain "top-level entries the design does not have" "$extra"

vague="$(git ls-files | grep -E '(^|/)(utils?|common|helpers?|misc|base)(/|\.)')"
[ -z "$vague" ] || complain "folders or files without an idea in their name" "$vague"

marks="$(git ls-files | grep -v '^scripts/lint.sh$' | xargs grep -nE 'TODO|FIXME|XXX' 2>/dev/null)"
[ -z "$marks" ] || complain "unfinished marks" "$marks"

exits="$(sources | grep -v '^trainer/main.cpp$' | xargs -r grep -nE '(^|[^_[:alnum:]])(std::)?exit\(' /dev/null)"
[ -z "$exits" ] || complain "exit() outside main" "$exits"

if command -v clang-format >/dev/null; then
  badly="$(sources | xargs -r clang-format --dry-run -Werror 2>&1 | grep -oE '^[^:]+:[0-9]+' | cut -d: -f1 | sort | uniq -c)"
  [ -z "$badly" ] || complain "not formatted: run clang-format -i on" "$badly"
else
  complain "clang-format is not installed"
fi

if [ "${1:-}" = --tidy ]; then
  # The compile commands without the precompiled header, which is gcc's. libstdc++ 12 calls a function of its own that it declares
  # deprecated, which clang takes amiss.
  mkdir -p build/tidy
  sed -E 's/ -Winvalid-pch//g; s/ -include [^ ]*cmake_pch\.hxx//g; s/ -fpch-preprocess//g' \
    build/release/compile_commands.json >build/tidy/compile_commands.json
  tidy="$(sources | grep -E '^(configs|parallel|compression|data|trainer)/.*\.cpp$' |
    xargs -r -P "$(nproc)" -n 2 clang-tidy-19 -p build/tidy --quiet --extra-arg=-Wno-deprecated-declarations 2>/dev/null | grep -E '(warning|error):' | sort -u)"
  [ -z "$tidy" ] || complain "clang-tidy" "$tidy"
fi

[ $failures = 0 ] && echo "lint: clean"
exit $((failures > 0))
