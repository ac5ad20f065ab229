#ifndef CPLATFORM_VITALS_H
#define CPLATFORM_VITALS_H

/// What a process shows of itself: where it is in its work, that it gets on, and that it runs at all. Writing is a relaxed
/// store or addition to a cache line of its own, so the innermost loops that matter may do it; reading disturbs nobody.
///
/// At first the vitals are in the memory of the process. `cplatform_vitals_move` puts them where others can read them, even
/// while the process is stopped.

/// Bytes of memory that the vitals of a process take, aligned to a page or a cache line.
int cplatform_vitals_bytes(void);
/// From now on the vitals of this process are in `memory`, which nobody else writes; NULL: in memory of its own again.
void cplatform_vitals_move(void *memory);

/// Work was done. Any thread.
void cplatform_vitals_beat(void);
/// The stage that the process is in: any number that the readers understand, from 0 to 255.
void cplatform_vitals_enter(int stage);
/// The step of the work that is done.
void cplatform_vitals_set_step(long long step);
/// Until the matching `end`, the main thread waits for other processes and is not to blame for a standstill. Nests; calls
/// of other threads count for nothing, since the main thread may compute meanwhile.
void cplatform_vitals_begin_waiting(void);
void cplatform_vitals_end_waiting(void);
/// The process runs, whether or not it gets on.
void cplatform_vitals_pulse(void);

struct cplatform_vitals_reading {
    /// Grow with the work, and with time as long as the process runs.
    unsigned long long beats, pulses;
    long long step;
    int stage;
    int is_waiting;
    int process;
    /// When the process was started, in clock ticks since the machine was: with the number it names one process for good.
    unsigned long long birth;
};
/// The vitals in `memory`; NULL: those of this process.
void cplatform_vitals_read(const void *memory, struct cplatform_vitals_reading *reading);

/// 1 for the first caller of all processes, 0 for the others. The memory, as large as vitals, is zero at first.
int cplatform_vitals_claim(void *memory);

/// When a process was started, what the kernel says of it now ('R', 'S', 'D', 'T', ...), and its parent. Returns 0, or -1
/// if there is no such process.
int cplatform_process_status(int process, unsigned long long *birth, char *state, int *parent);

/// SIGKILL in `seconds` for the process of this number and birth, if it is still there then, whatever has become of the
/// caller. Returns 0, or the errno that says why it cannot be done.
int cplatform_kill_later(int process, unsigned long long birth, int seconds);

#endif
