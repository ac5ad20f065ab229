#ifndef CMPI_H
#define CMPI_H

/// The whole of MPI that the trainer needs, on plain integers and pointers: no type of mpi.h passes this header, so
/// Swift never meets one and any MPI-3 library can stand behind it.
///
/// Every function that returns `int` returns MPI's error code, 0 for success, unless it says otherwise. Communicators
/// and windows are small indices into tables of this file. Sizes are 64-bit: MPI counts are C ints, and longer messages
/// go in pieces.

/// The communicator of all ranks, as the launcher numbered them. Valid after `cmpi_initialize`.
enum { CMPI_WORLD = 0 };
/// "Nobody": a peer that is not there, or the communicator of a rank that is in none.
enum { CMPI_NONE = -1 };
/// Thread levels of MPI_Init_thread, in rising order.
enum { CMPI_THREAD_SINGLE, CMPI_THREAD_FUNNELED, CMPI_THREAD_SERIALIZED, CMPI_THREAD_MULTIPLE };

// MARK: - Life

/// Start MPI, asking for MPI_THREAD_MULTIPLE; `*level` is what was given. Errors are returned from here on.
int cmpi_initialize(int *level);
int cmpi_finalize(void);
/// Ends all ranks of the job. Does not return.
_Noreturn void cmpi_abort(int code);
/// MPI's words for an error code.
void cmpi_error_text(int code, char *text, int capacity);
/// "Open MPI v4.1.4, ..." on one line.
void cmpi_library(char *text, int capacity);
/// The name of this machine.
int cmpi_host(char *name, int capacity);

// MARK: - Communicators

int cmpi_rank(int communicator, int *rank);
int cmpi_size(int communicator, int *size);
/// Ranks of one `color` form a communicator, ordered by `key`, then by old rank. CMPI_NONE as colour: in none.
int cmpi_split(int communicator, int color, int key, int *part);
/// Ranks that can share memory form a communicator, in the old order.
int cmpi_split_by_host(int communicator, int *part);

// MARK: - Messages

int cmpi_barrier(int communicator);
int cmpi_broadcast(int communicator, void *data, long long bytes, int root);
/// `all` receives `bytes` from every rank, in rank order.
int cmpi_all_gather(int communicator, const void *mine, long long bytes, void *all);
/// In place, element by element.
int cmpi_all_reduce_max(int communicator, long long *values, int count);
int cmpi_all_reduce_min(int communicator, long long *values, int count);
int cmpi_all_reduce_sum(int communicator, long long *values, int count);
int cmpi_all_reduce_sum_floats(int communicator, float *values, long long count);
/// Send `out` to rank `to` while `in` comes from rank `from`; either may be CMPI_NONE. Waits politely: another thread of
/// this rank may be computing on the same core.
int cmpi_exchange(
    int communicator, int to, const void *out, long long out_bytes, int from, void *in, long long in_bytes);

/// Sends a short message to `to` without waiting, unless that rank has not yet taken the one before: then nothing is sent.
/// One communicator at most is used for this, by one thread.
int cmpi_mail_post(int communicator, int to, const void *data, long long bytes);
/// Takes a message that has arrived, of at most `bytes`; `*from` is CMPI_NONE if there is none.
int cmpi_mail_receive(int communicator, void *data, long long bytes, int *from);

// MARK: - Memory that the ranks of a node share

/// Collective over a communicator of one host: a window to which this rank contributes `bytes`.
/// Fails with MPI_ERR_WIN where the memory of the window is not the memory that the processes read and write.
int cmpi_window_allocate(int communicator, long long bytes, int *window);
/// Where the contribution of `rank` begins in this process.
int cmpi_window_address(int window, int rank, void **address);
/// Collective. Nobody may use the memory any more.
int cmpi_window_free(int window);
/// The directory that Open MPI takes the memory of windows from, whoever set it (environment, file or command line);
/// empty if the library does not say.
void cmpi_window_directory(char *path, int capacity);

// MARK: - Waiting for the ranks of a node

/// Bytes of shared memory that a node barrier needs.
int cmpi_node_barrier_bytes(void);
/// One rank prepares the memory before any waits.
void cmpi_node_barrier_prepare(void *memory);
/// Returns when all `ranks` have called. Looks `spins` times before it sleeps; a sleeping rank costs no time of a core.
/// What any rank wrote before its call is visible to all after theirs.
void cmpi_node_barrier_wait(void *memory, int ranks, int spins);

// MARK: - How far a rank is

/// A number in shared memory that one rank raises. Who reads a number also sees all that was written before it was set.
void cmpi_progress_set(void *memory, long long progress);
long long cmpi_progress_get(const void *memory);

#endif
