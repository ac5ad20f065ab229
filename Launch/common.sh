# shellcheck shell=bash
# What the scripts beside it share; it is sourced, from any folder, and leaves the shell in the root of the repository.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
# Prints the comment at the head of the calling script.
usage() { sed -n '2,/^$/ s/^# \{0,1\}//p' "Launch/$(basename "$0")"; }
# A path given by the caller, seen from here.
from_caller() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }

require_swift() {
  local wanted=6.2 found
  command -v swift > /dev/null || die "there is no swift on the PATH; Swift $wanted or later is needed (swift.org/install)"
  found=$(swift --version 2>&1 | sed -n 's/.*Swift version \([0-9.]*[0-9]\).*/\1/p' | head -n 1)
  at_least "${found:-0}" "$wanted" || die "swift is version ${found:-unknown}; $wanted or later is needed (swift.org/install)"
}

# Cores that this process may use; two hardware threads of one core count once, as they do for Open MPI.
cores() {
  local real
  real=$(lscpu -p=CORE,SOCKET 2> /dev/null | grep -v '^#' | sort -u | wc -l || true)
  local allowed
  allowed=$(nproc)
  echo $((real > 0 && real < allowed ? real : allowed))
}

# The English of the quickstart: where the package dict-gcide has put it, or where Launch/install unpacks it.
dictionary() {
  local path=usr/share/dictd/gcide.dict.dz
  if [[ -r /$path ]]; then echo "/$path"; else echo "data/dict-gcide/$path"; fi
}

# Open MPI refuses to run as root unless both are set; whoever starts these scripts as root means it.
if [[ $EUID == 0 ]]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# mpi_run N COMMAND...: N ranks on this machine.
mpi_run() {
  local ranks=$1
  shift
  local options=()
  if mpirun --version 2> /dev/null | grep -q 'Open MPI'; then
    # By itself Open MPI binds each of two ranks to one core, and so all threads of a rank with it.
    options+=(--bind-to none)
    if ((ranks > $(cores))); then options+=(--oversubscribe); fi
  fi
  mpirun "${options[@]}" -np "$ranks" "$@"
}

# prepare_oracle FOLDER: a virtual environment with the Python packages that the trainer is compared with.
prepare_oracle() {
  local folder=$1 requirements=Tests/Reference/requirements.txt
  if cmp -s "$requirements" "$folder/installed.txt"; then return; fi
  say "installing Python packages into $folder"
  python3 -m venv --clear "$folder" || return
  local pip=("$folder/bin/python" -m pip --quiet --disable-pip-version-check install --retries 2)
  # The build of torch for CPUs is a tenth of the plain one, where the package index in use carries it.
  local torch
  torch=$(grep '^torch==' "$requirements")
  "${pip[@]}" "$torch+cpu" 2> /dev/null || "${pip[@]}" "$torch" || return
  "${pip[@]}" -r "$requirements" || return
  cp "$requirements" "$folder/installed.txt"
}
