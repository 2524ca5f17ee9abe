# source scripts/env.sh: puts spillway, mpirun and python of the set-up on the PATH.
# shellcheck source=scripts/paths.sh
. "$(dirname "${BASH_SOURCE[0]}")/paths.sh"
if [ ! -e "$SPILLWAY_WHEELS/.complete" ]; then
  echo "scripts/env.sh: nothing set up for these pins yet; run scripts/setup.sh first" >&2
  return 2 2>/dev/null || exit 2
fi
export SPILLWAY_HOME SPILLWAY_WHEELS SPILLWAY_CHECKS SPILLWAY_CUDA
case ":$PATH:" in
  *":$SPILLWAY_WHEELS/bin:"*) ;;
  *) export PATH="$SPILLWAY_HOME/build/release:$SPILLWAY_WHEELS/bin:$PATH" ;;
esac
# OpenMP pools of the whole machine in every rank would fight for its cores; run.threads gives a rank more.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# mpirun refuses root unless told twice that this is meant.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
