#define _GNU_SOURCE
#include "CPlatform.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int first_signal;
static atomic_int interrupts;

// Only what is allowed in a handler: atomics, sigaction and raise.
static void note(int signal) {
    int none = 0;
    atomic_compare_exchange_strong(&first_signal, &none, signal);
    if (signal != SIGINT || atomic_fetch_add(&interrupts, 1) == 0) return;
    // Whoever presses Ctrl-C again does not want to wait. Raised here, the signal comes when the handler has returned.
    struct sigaction end = {.sa_handler = SIG_DFL};
    sigaction(signal, &end, NULL);
    raise(signal);
}

void cplatform_watch_stop_signals(void) {
    static const int signals[] = {SIGUSR1, SIGTERM, SIGINT};
    // SA_RESTART: no read, write or wait of the run may fail because of it.
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    // A launcher that starts programs from a thread with blocked signals hands that down to them.
    sigset_t wanted;
    sigemptyset(&wanted);
    for (size_t index = 0; index < sizeof signals / sizeof *signals; index++) {
        struct sigaction before;
        // A shell that starts a job in the background has it ignore Ctrl-C, and so it shall stay.
        if (sigaction(signals[index], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        sigaction(signals[index], &action, NULL);
        sigaddset(&wanted, signals[index]);
    }
    sigprocmask(SIG_UNBLOCK, &wanted, NULL);
}

int cplatform_stop_signal(void) { return atomic_load(&first_signal); }
