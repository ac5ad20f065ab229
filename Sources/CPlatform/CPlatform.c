#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *cplatform_instruction_set(void) { return JREG_INSTRUCTION_SET; }

int cplatform_has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

int cplatform_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

const char *cplatform_missing_feature(void) {
    if (strcmp(JREG_INSTRUCTION_SET, "baseline") == 0) return NULL;
    if (!cplatform_has_avx2()) return "AVX2 and FMA";
    if (strcmp(JREG_INSTRUCTION_SET, "x86-64-v4") == 0 && !cplatform_has_avx512()) return "AVX-512 (F, BW, CD, DQ, VL)";
    return NULL;
}

// Runs before any Swift code, all of which may contain instructions that this CPU lacks.
__attribute__((constructor)) static void refuse_older_cpus(void) {
    __builtin_cpu_init();
    const char *missing = cplatform_missing_feature();
    if (!missing) return;
    fprintf(stderr,
            "jreg-dist: this binary was built for %s, but this CPU has no %s. Rebuild here with Launch/build, or build "
            "for it elsewhere with Launch/build --cpu x86-64-v3.\n",
            JREG_INSTRUCTION_SET, missing);
    _exit(70);
}

const char *cplatform_libc(void) { return gnu_get_libc_version(); }

int cplatform_host_cores(void) { return (int)sysconf(_SC_NPROCESSORS_ONLN); }

int cplatform_bound_cores(void) {
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) return cplatform_host_cores();
    return CPU_COUNT(&cores);
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int cplatform_populate(void *address, unsigned long bytes) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)address & ~(page - 1);
    const uintptr_t end = ((uintptr_t)address + bytes + page - 1) & ~(page - 1);
    // In pieces, so that who watches sees that it gets on.
    const uintptr_t piece = 256ul << 20;
    for (uintptr_t at = begin; at < end; at += piece) {
        if (madvise((void *)at, end - at < piece ? end - at : piece, MADV_POPULATE_WRITE) != 0)
            // Kernels before 5.14 do not know the advice: the caller's check of the free space has to do.
            return errno == EINVAL ? 0 : errno;
        cplatform_vitals_beat();
    }
    return 0;
}

void cplatform_advise_huge_pages(void *address, unsigned long bytes) { madvise(address, bytes, MADV_HUGEPAGE); }
