# shellcheck shell=bash
# What the scripts beside it share; it is sourced, from any folder, and leaves the shell in the root of the repository.
set -euo pipefail
caller=$PWD
script=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
# Prints the comment at the head of the calling script.
usage() { sed -n '2,/^$/ s/^# \{0,1\}//p' "$script"; }
# A path given by the caller, seen from here.
from_caller() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }
# number OPTION TEXT [LEAST]: the text, where it is a whole number from LEAST (1) on.
number() {
  local least=${3:-1}
  [[ $2 =~ ^(0|[1-9][0-9]{0,5})$ ]] && (($2 >= least)) || die "$1 ${2:-(nothing)}: wanted a whole number from $least on"
  echo "$2"
}
# counted N WORD: as in "1 rank" and "2 ranks".
counted() { if (($1 == 1)); then echo "1 $2"; else echo "$1 $2s"; fi; }
# value OPTION TEXT EXAMPLE: the text, where there is one.
value() {
  [[ -n $2 ]] || die "$1 needs a value, as in $1 $3"
  echo "$2"
}
# option NAME ARGUMENT...: what is given for an option among the arguments, the last time if more than once; else nothing.
option() {
  local name=$1 value=''
  shift
  while (($# > 0)); do
    case $1 in
      "$name") value=${2:-} ;;
      "$name="*) value=${1#*=} ;;
    esac
    shift
  done
  echo "$value"
}
# is_training ARGUMENT...: whether jreg-dist trains with these arguments, rather than doing something else.
is_training() { case ${1:-train} in train | -*) ;; *) return 1 ;; esac; }
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }

# detached COMMAND...: starts a daemon that keeps open none of the files that the caller has: who waits for their end would
# wait for the daemon's.
detached() (
  for descriptor in "/proc/$BASHPID/fd"/*; do
    descriptor=${descriptor##*/}
    if ((descriptor > 2)); then eval "exec $descriptor>&-"; fi
  done
  exec "$@" >&2
)

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

is_open_mpi() { mpirun --version 2> /dev/null | grep -q 'Open MPI'; }

# mpi_command RANKS [CORES]: puts into the array mpi_command how so many ranks are started on this machine. Each is bound to
# as many cores of its own, or where none are named to none.
mpi_command() {
  local ranks=$1 each=${2:-0}
  mpi_command=(mpirun)
  if is_open_mpi; then
    # By itself Open MPI binds each of two ranks to one core, and so all threads of a rank with it.
    if ((each > 0)); then mpi_command+=(--map-by "slot:PE=$each" --bind-to core); else mpi_command+=(--bind-to none); fi
    if ((ranks > $(cores))); then mpi_command+=(--oversubscribe); fi
  fi
  mpi_command+=(-np "$ranks")
}

# mpi_run N COMMAND...: N ranks on this machine.
mpi_run() {
  mpi_command "$1"
  "${mpi_command[@]}" "${@:2}"
}

# The program that a script is to start: the one named, or jreg-dist as it is on the PATH, or else as it is built here.
program() {
  if [[ -n ${1:-} ]]; then
    [[ -x $(from_caller "$1") ]] || die "$1 is not a program that can be started"
    from_caller "$1"
  else
    command -v jreg-dist || Launch/build
  fi
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
