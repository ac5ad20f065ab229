#define _GNU_SOURCE
#include "CMPI.h"

#include <CPlatform.h>
#include <limits.h>
#include <linux/futex.h>
#include <mpi.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/// No single MPI call moves more: far below the limit of a C int, far above what a network needs to reach full speed.
/// Each is a beat, so that whoever watches sees a long message get on.
#define PIECE_BYTES (64LL << 20)

#define MAX_COMMUNICATORS 32
#define MAX_WINDOWS 256

// Fixed tables, so that a lookup needs no lock while another thread adds an entry.
static MPI_Comm communicators[MAX_COMMUNICATORS];
static int communicator_count = 0;
static MPI_Win windows[MAX_WINDOWS];
static char window_used[MAX_WINDOWS];

static long long smaller(long long a, long long b) { return a < b ? a : b; }

// MARK: - Life

int cmpi_initialize(int *level) {
    int provided, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided);
    if (code) return code;
    *level = provided >= MPI_THREAD_MULTIPLE     ? CMPI_THREAD_MULTIPLE
             : provided >= MPI_THREAD_SERIALIZED ? CMPI_THREAD_SERIALIZED
             : provided >= MPI_THREAD_FUNNELED   ? CMPI_THREAD_FUNNELED
                                                 : CMPI_THREAD_SINGLE;
    if ((code = MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN))) return code;
    if ((code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN))) return code;
    // A duplicate, so that no message of a library in this process can meet one of ours.
    communicator_count = 1;
    return MPI_Comm_dup(MPI_COMM_WORLD, &communicators[CMPI_WORLD]);
}

int cmpi_finalize(void) { return MPI_Finalize(); }

void cmpi_abort(int code) {
    MPI_Abort(MPI_COMM_WORLD, code);
    _exit(code);
}

static void copy_text(const char *from, char *to, int capacity) {
    strncpy(to, from, (size_t)capacity - 1);
    to[capacity - 1] = 0;
    to[strcspn(to, "\n")] = 0;
}

void cmpi_error_text(int code, char *text, int capacity) {
    char message[MPI_MAX_ERROR_STRING] = "unknown error";
    int length;
    MPI_Error_string(code, message, &length);
    copy_text(message, text, capacity);
}

void cmpi_library(char *text, int capacity) {
    char version[MPI_MAX_LIBRARY_VERSION_STRING] = "MPI";
    int length;
    MPI_Get_library_version(version, &length);
    copy_text(version, text, capacity);
}

int cmpi_host(char *name, int capacity) {
    char host[MPI_MAX_PROCESSOR_NAME] = "";
    int length, code = MPI_Get_processor_name(host, &length);
    copy_text(host, name, capacity);
    return code;
}

// MARK: - Communicators

int cmpi_rank(int communicator, int *rank) { return MPI_Comm_rank(communicators[communicator], rank); }

int cmpi_size(int communicator, int *size) { return MPI_Comm_size(communicators[communicator], size); }

static int keep_communicator(MPI_Comm made, int *index) {
    *index = CMPI_NONE;
    if (made == MPI_COMM_NULL) return MPI_SUCCESS;
    if (communicator_count == MAX_COMMUNICATORS) return MPI_ERR_NO_MEM;
    communicators[communicator_count] = made;
    *index = communicator_count++;
    return MPI_SUCCESS;
}

int cmpi_split(int communicator, int color, int key, int *part) {
    MPI_Comm made;
    int code = MPI_Comm_split(communicators[communicator], color == CMPI_NONE ? MPI_UNDEFINED : color, key, &made);
    return code ? code : keep_communicator(made, part);
}

int cmpi_split_by_host(int communicator, int *part) {
    MPI_Comm made;
    int code = MPI_Comm_split_type(communicators[communicator], MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &made);
    return code ? code : keep_communicator(made, part);
}

// MARK: - Messages

/// MPI's own waiting polls without end, and yields the core at best: where ranks of several nodes share cores, as when
/// nodes are pretended, that was measured to starve all others for a minute at a time (Linux 6.18). A network moves less in
/// 50 µs than its buffers hold.
static int wait_for(MPI_Request *request) {
    const struct timespec nap = {.tv_sec = 0, .tv_nsec = 50 * 1000};
    for (int polls = 0, done = 0;; polls++) {
        int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (code || done) return code;
        if (polls > 100) nanosleep(&nap, NULL);
    }
}

int cmpi_barrier(int communicator) {
    MPI_Request request;
    int code = MPI_Ibarrier(communicators[communicator], &request);
    return code ? code : wait_for(&request);
}

int cmpi_broadcast(int communicator, void *data, long long bytes, int root) {
    for (long long done = 0; done < bytes; done += PIECE_BYTES) {
        int count = (int)smaller(PIECE_BYTES, bytes - done);
        MPI_Request request;
        int code = MPI_Ibcast((char *)data + done, count, MPI_BYTE, root, communicators[communicator], &request);
        if (code || (code = wait_for(&request))) return code;
        cplatform_vitals_beat();
    }
    return MPI_SUCCESS;
}

int cmpi_all_gather(int communicator, const void *mine, long long bytes, void *all) {
    for (long long done = 0; done < bytes; done += PIECE_BYTES) {
        int count = (int)smaller(PIECE_BYTES, bytes - done);
        // A piece of every rank lands `bytes` after that of the rank before: a type of this stride says so to MPI.
        MPI_Datatype piece, strided;
        int code = MPI_Type_contiguous(count, MPI_BYTE, &piece);
        if (code) return code;
        if (!(code = MPI_Type_create_resized(piece, 0, (MPI_Aint)bytes, &strided))) {
            MPI_Request request;
            if (!(code = MPI_Type_commit(&strided)) &&
                !(code = MPI_Iallgather((const char *)mine + done, count, MPI_BYTE, (char *)all + done, 1, strided,
                                        communicators[communicator], &request)))
                code = wait_for(&request);
            MPI_Type_free(&strided);
        }
        MPI_Type_free(&piece);
        if (code) return code;
    }
    return MPI_SUCCESS;
}

static int all_reduce_integers(int communicator, long long *values, int count, MPI_Op operation) {
    MPI_Request request;
    int code = MPI_Iallreduce(
        MPI_IN_PLACE, values, count, MPI_LONG_LONG, operation, communicators[communicator], &request);
    return code ? code : wait_for(&request);
}

int cmpi_all_reduce_max(int communicator, long long *values, int count) {
    return all_reduce_integers(communicator, values, count, MPI_MAX);
}

int cmpi_all_reduce_min(int communicator, long long *values, int count) {
    return all_reduce_integers(communicator, values, count, MPI_MIN);
}

int cmpi_all_reduce_sum(int communicator, long long *values, int count) {
    return all_reduce_integers(communicator, values, count, MPI_SUM);
}

int cmpi_all_reduce_sum_floats(int communicator, float *values, long long count) {
    const long long piece = PIECE_BYTES / (long long)sizeof(float);
    for (long long done = 0; done < count; done += piece) {
        int length = (int)smaller(piece, count - done);
        int code =
            MPI_Allreduce(MPI_IN_PLACE, values + done, length, MPI_FLOAT, MPI_SUM, communicators[communicator]);
        if (code) return code;
        cplatform_vitals_beat();
    }
    return MPI_SUCCESS;
}

/// An exchange goes in pieces of this size, a few at a time. Measured with Open MPI 4.1 over TCP at 1 Gbit/s: one message
/// of 4 MB each way moves 62 MB/s, as if the line had one direction only; pieces of 256 kB move 113 of the 120 MB/s.
#define EXCHANGE_BYTES (256LL << 10)
#define EXCHANGES 4

int cmpi_exchange(
    int communicator, int to, const void *out, long long out_bytes, int from, void *in, long long in_bytes) {
    if (to == CMPI_NONE) out_bytes = 0;
    if (from == CMPI_NONE) in_bytes = 0;
    const long long bytes = out_bytes > in_bytes ? out_bytes : in_bytes;
    const long long pieces = (bytes + EXCHANGE_BYTES - 1) / EXCHANGE_BYTES;
    MPI_Comm comm = communicators[communicator];
    // Piece i uses the requests that piece i - EXCHANGES has freed.
    MPI_Request receiving[EXCHANGES], sending[EXCHANGES];
    for (int i = 0; i < EXCHANGES; i++) receiving[i] = sending[i] = MPI_REQUEST_NULL;
    for (long long piece = 0; piece < pieces + EXCHANGES; piece++) {
        const int slot = (int)(piece % EXCHANGES);
        int code;
        if ((code = wait_for(&receiving[slot])) || (code = wait_for(&sending[slot]))) return code;
        cplatform_vitals_beat();
        const long long done = piece * EXCHANGE_BYTES;
        if (done < in_bytes &&
            (code = MPI_Irecv((char *)in + done, (int)smaller(EXCHANGE_BYTES, in_bytes - done), MPI_BYTE, from, 0, comm,
                              &receiving[slot])))
            return code;
        if (done < out_bytes &&
            (code = MPI_Isend((const char *)out + done, (int)smaller(EXCHANGE_BYTES, out_bytes - done), MPI_BYTE, to, 0,
                              comm, &sending[slot])))
            return code;
    }
    return MPI_SUCCESS;
}

/// A message on its way to one rank.
struct letter {
    MPI_Request request;
    long long capacity;
    void *content;
};

static struct letter *letters;

int cmpi_mail_post(int communicator, int to, const void *data, long long bytes) {
    int ranks, code;
    if (!letters) {
        if ((code = MPI_Comm_size(communicators[communicator], &ranks))) return code;
        if (!(letters = calloc((size_t)ranks, sizeof *letters))) return MPI_ERR_NO_MEM;
        for (int i = 0; i < ranks; i++) letters[i].request = MPI_REQUEST_NULL;
    }
    struct letter *letter = &letters[to];
    int gone;
    if ((code = MPI_Test(&letter->request, &gone, MPI_STATUS_IGNORE)) || !gone) return code;
    if (letter->capacity < bytes) {
        free(letter->content);
        letter->capacity = 0;
        if (!(letter->content = malloc((size_t)bytes))) return MPI_ERR_NO_MEM;
        letter->capacity = bytes;
    }
    memcpy(letter->content, data, (size_t)bytes);
    return MPI_Isend(letter->content, (int)bytes, MPI_BYTE, to, 0, communicators[communicator], &letter->request);
}

int cmpi_mail_receive(int communicator, void *data, long long bytes, int *from) {
    MPI_Status status;
    int found, code = MPI_Iprobe(MPI_ANY_SOURCE, 0, communicators[communicator], &found, &status);
    *from = CMPI_NONE;
    if (code || !found) return code;
    *from = status.MPI_SOURCE;
    return MPI_Recv(data, (int)bytes, MPI_BYTE, *from, 0, communicators[communicator], MPI_STATUS_IGNORE);
}

// MARK: - Memory that the ranks of a node share

int cmpi_window_allocate(int communicator, long long bytes, int *window) {
    int index = 0;
    while (index < MAX_WINDOWS && window_used[index]) index++;
    if (index == MAX_WINDOWS) return MPI_ERR_NO_MEM;

    // Pieces that begin on pages of their own, so that each can lie in the memory of its rank's NUMA node.
    MPI_Info info;
    int code = MPI_Info_create(&info);
    if (code) return code;
    void *mine;
    if (!(code = MPI_Info_set(info, "alloc_shared_noncontig", "true")))
        code = MPI_Win_allocate_shared(
            (MPI_Aint)bytes, 1, info, communicators[communicator], &mine, &windows[index]);
    MPI_Info_free(&info);
    if (code) return code;
    window_used[index] = 1;
    *window = index;
    if ((code = MPI_Win_set_errhandler(windows[index], MPI_ERRORS_RETURN))) return code;

    int *model, found;
    if ((code = MPI_Win_get_attr(windows[index], MPI_WIN_MODEL, &model, &found))) return code;
    return found && *model == MPI_WIN_UNIFIED ? MPI_SUCCESS : MPI_ERR_WIN;
}

int cmpi_window_address(int window, int rank, void **address) {
    MPI_Aint bytes;
    int unit;
    return MPI_Win_shared_query(windows[window], rank, &bytes, &unit, address);
}

int cmpi_window_free(int window) {
    int code = MPI_Win_free(&windows[window]);
    if (!code) window_used[window] = 0;
    return code;
}

void cmpi_window_directory(char *path, int capacity) {
    path[0] = 0;
    int provided, index, count;
    if (MPI_T_init_thread(MPI_THREAD_SERIALIZED, &provided)) return;
    MPI_T_cvar_handle handle;
    if (!MPI_T_cvar_get_index("osc_sm_backing_directory", &index) &&
        !MPI_T_cvar_handle_alloc(index, NULL, &handle, &count)) {
        char value[PATH_MAX] = "";
        if (count <= (int)sizeof value && !MPI_T_cvar_read(handle, value)) copy_text(value, path, capacity);
        MPI_T_cvar_handle_free(&handle);
    }
    MPI_T_finalize();
}

// MARK: - Waiting for the ranks of a node

struct node_barrier {
    _Alignas(64) _Atomic uint32_t arrived;
    _Alignas(64) _Atomic uint32_t generation;
};

_Static_assert(sizeof(_Atomic uint32_t) == 4 && ATOMIC_INT_LOCK_FREE == 2,
               "a futex is a 32-bit word, and atomics between processes must be lock-free");

int cmpi_node_barrier_bytes(void) { return (int)sizeof(struct node_barrier); }

void cmpi_node_barrier_prepare(void *memory) {
    struct node_barrier *barrier = memory;
    atomic_init(&barrier->arrived, 0);
    atomic_init(&barrier->generation, 0);
}

/// Lets MPI push on what it has buffered: a message that MPI_Send has taken over may still lie in this process, and
/// the rank that waits for it may be the one we wait for.
static void let_mpi_progress(void) {
    int found;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, communicators[CMPI_WORLD], &found, MPI_STATUS_IGNORE);
}

void cmpi_node_barrier_wait(void *memory, int ranks, int spins) {
    struct node_barrier *barrier = memory;
    // The generation cannot pass on before this rank has arrived, so it is read first.
    const uint32_t generation = atomic_load_explicit(&barrier->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) + 1 == (uint32_t)ranks) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        // Release: the others acquire it below, and with it all that any rank wrote before it arrived.
        atomic_fetch_add_explicit(&barrier->generation, 1, memory_order_release);
        syscall(SYS_futex, &barrier->generation, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
        return;
    }
    for (int spin = 0; spin < spins; spin++) {
        if (atomic_load_explicit(&barrier->generation, memory_order_acquire) != generation) return;
        __builtin_ia32_pause();
    }
    const struct timespec nap = {.tv_sec = 0, .tv_nsec = 10 * 1000 * 1000};
    while (atomic_load_explicit(&barrier->generation, memory_order_acquire) == generation) {
        syscall(SYS_futex, &barrier->generation, FUTEX_WAIT, generation, &nap, NULL, 0);
        let_mpi_progress();
    }
}

// MARK: - How far a rank is

void cmpi_progress_set(void *memory, long long progress) {
    atomic_store_explicit((_Atomic long long *)memory, progress, memory_order_release);
}

long long cmpi_progress_get(const void *memory) {
    return atomic_load_explicit((const _Atomic long long *)memory, memory_order_acquire);
}
