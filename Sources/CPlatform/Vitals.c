#define _GNU_SOURCE
#include "Vitals.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct vitals {
    _Alignas(128) _Atomic uint64_t beats;
    _Atomic uint64_t pulses;
    _Atomic int64_t step;
    _Atomic int32_t stage;
    _Atomic int32_t waiting;
    _Atomic int32_t process;
    _Atomic uint64_t birth;
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics between processes must be lock-free");

static struct vitals private_vitals;
static _Atomic(struct vitals *) mine = &private_vitals;

static struct vitals *own(void) { return atomic_load_explicit(&mine, memory_order_relaxed); }

int cplatform_vitals_bytes(void) { return (int)sizeof(struct vitals); }

void cplatform_vitals_move(void *memory) {
    struct vitals *from = own(), *to = memory ? memory : &private_vitals;
    uint64_t birth = 0;
    char state;
    int parent;
    cplatform_process_status(getpid(), (unsigned long long *)&birth, &state, &parent);
    atomic_store(&to->process, getpid());
    atomic_store(&to->birth, birth);
    atomic_store(&to->beats, atomic_load(&from->beats) + 1);
    atomic_store(&to->pulses, atomic_load(&from->pulses));
    atomic_store(&to->step, atomic_load(&from->step));
    atomic_store(&to->stage, atomic_load(&from->stage));
    atomic_store(&to->waiting, atomic_load(&from->waiting));
    atomic_store(&mine, to);
}

void cplatform_vitals_beat(void) { atomic_fetch_add_explicit(&own()->beats, 1, memory_order_relaxed); }

void cplatform_vitals_enter(int stage) {
    atomic_store_explicit(&own()->stage, stage, memory_order_relaxed);
    cplatform_vitals_beat();
}

void cplatform_vitals_set_step(long long step) {
    atomic_store_explicit(&own()->step, step, memory_order_relaxed);
    cplatform_vitals_beat();
}

static int is_main_thread(void) {
    static _Thread_local int known = 0;
    if (!known) known = syscall(SYS_gettid) == getpid() ? 1 : 2;
    return known == 1;
}

void cplatform_vitals_begin_waiting(void) {
    if (is_main_thread()) atomic_fetch_add_explicit(&own()->waiting, 1, memory_order_relaxed);
}

void cplatform_vitals_end_waiting(void) {
    if (!is_main_thread()) return;
    atomic_fetch_sub_explicit(&own()->waiting, 1, memory_order_relaxed);
    cplatform_vitals_beat();
}

void cplatform_vitals_pulse(void) { atomic_fetch_add_explicit(&own()->pulses, 1, memory_order_relaxed); }

void cplatform_vitals_read(const void *memory, struct cplatform_vitals_reading *reading) {
    const struct vitals *from = memory ? memory : own();
    reading->beats = atomic_load_explicit(&from->beats, memory_order_relaxed);
    reading->pulses = atomic_load_explicit(&from->pulses, memory_order_relaxed);
    reading->step = atomic_load_explicit(&from->step, memory_order_relaxed);
    reading->stage = atomic_load_explicit(&from->stage, memory_order_relaxed);
    reading->is_waiting = atomic_load_explicit(&from->waiting, memory_order_relaxed) > 0;
    reading->process = atomic_load_explicit(&from->process, memory_order_relaxed);
    reading->birth = atomic_load_explicit(&from->birth, memory_order_relaxed);
}

int cplatform_vitals_claim(void *memory) { return atomic_exchange(&((struct vitals *)memory)->waiting, 1) == 0; }

int cplatform_process_status(int process, unsigned long long *birth, char *state, int *parent) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", process);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    const ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) return -1;
    text[count] = 0;
    // "number (name) state parent ...", where the name may hold anything; the start time is field 22.
    const char *fields = strrchr(text, ')');
    return fields &&
                   sscanf(fields + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                          state, parent, birth) == 3
               ? 0
               : -1;
}
