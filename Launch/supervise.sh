# shellcheck shell=bash
# How a run is looked after from outside: it is asked to stop when this script is, and started again when it dies.
# Sourced after common.sh.

stops_asked=0
# A command that says by its exit code whether there is nothing more to do, for launchers whose own 0 does not say so: srun
# ends with it, too, where a node could not launch its tasks.
confirm=()
# The launcher (mpirun, srun) while one runs.
launcher=
# How often the run was started.
launches=0

# Of all signals, SIGUSR1 alone is passed on to the ranks by mpirun and srun alike. After a SIGTERM mpirun gives them a
# second, which is enough for no checkpoint.
ask_to_stop() {
  stops_asked=$((stops_asked + 1))
  if [[ -z $launcher ]]; then return; fi
  if ((stops_asked == 1)); then
    say "SIG$1: the run is asked to stop after the step and to write a checkpoint; once more ends it at once"
    kill -USR1 "$launcher" 2> /dev/null || true
  else
    say "SIG$1 again: the run is ended"
    kill -TERM "$launcher" 2> /dev/null || true
  fi
}

heed_signals() {
  local signal
  # shellcheck disable=SC2064
  for signal in USR1 TERM INT; do trap "ask_to_stop $signal" "$signal"; done
}

# run_once COMMAND...: leaves the exit code in `status`.
run_once() {
  # In a process group of its own, so that Ctrl-C comes here alone. Should this script be killed, the run is asked to stop.
  local tied=()
  if setpriv --pdeathsig USR1 true 2> /dev/null; then tied=(setpriv --pdeathsig USR1); fi
  set -m
  "${tied[@]}" "$@" < /dev/null &
  launcher=$!
  launches=$((launches + 1))
  set +m
  # Asked while it was being started.
  if ((stops_asked > 0)); then kill -USR1 "$launcher" 2> /dev/null || true; fi
  local before
  while :; do
    # A signal ends the waiting, not what is waited for.
    before=$stops_asked status=0
    wait "$launcher" || status=$?
    if ((stops_asked == before)); then break; fi
  done
  launcher=
  # The launcher itself was not ready for the signal: there was nothing yet to save.
  if ((stops_asked > 0 && status == 128 + $(kill -l USR1))); then status=75; fi
}

# What an exit code says.
meaning() {
  case $1 in
    64) echo "the command line or the configuration is at fault" ;;
    65) echo "bad data, or too many bad steps in a row" ;;
    70) echo "the system refused, or the program is at fault" ;;
    126 | 127) echo "the program could not be started" ;;
    137) echo "killed by SIGKILL, as the kernel does when memory is short" ;;
    *) if (($1 > 128)) && kill -l "$1" > /dev/null 2>&1; then echo "killed by SIG$(kill -l "$1")"; else echo "no code of jreg-dist"; fi ;;
  esac
}

# supervise RESTARTS PAUSE COMMAND...: runs the command, and again when it dies, at most RESTARTS times, PAUSE seconds later
# and each time twice as many. Leaves the last exit code in `status`.
supervise() {
  local restarts=$1 pause=$2 number told
  shift 2
  status=75
  for ((number = 1; ; number++)); do
    # Asked before it began.
    if ((stops_asked > 0)); then return; fi
    # Who begins anew does so once.
    if ((number > 1 || ${SLURM_RESTART_COUNT:-0} > 0)) && [[ $(option --resume "$@") == none ]]; then
      set -- "$@" --resume auto
    fi
    run_once "$@"
    if ((status == 0 && ${#confirm[@]} > 0)) && ! told=$("${confirm[@]}" 2>&1); then
      say "the launcher ended with 0, but: $told"
      status=70
    fi
    case $status in
      0 | 75) return ;;
      64 | 65 | 126 | 127)
        say "exit code $status ($(meaning "$status")): starting again cannot help"
        return ;;
    esac
    say "the run died with exit code $status: $(meaning "$status")"
    if ((stops_asked > 0)); then return; fi
    if ((number > restarts)); then
      if ((restarts > 0)); then say "given up: all of $restarts restarts are used"; fi
      return
    fi
    say "restart $number of $restarts in $pause s, from the newest checkpoint"
    sleep "$pause" &
    wait $! || true
    kill $! 2> /dev/null || true
    if ((stops_asked > 0)); then return; fi
    pause=$((pause * 2 > 300 ? 300 : pause * 2))
  done
}
