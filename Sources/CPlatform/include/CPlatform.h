#ifndef CPLATFORM_H
#define CPLATFORM_H

#include "Vitals.h"

/// The x86-64 level this binary was built for ("x86-64-v4", "x86-64-v3" or "baseline").
const char *cplatform_instruction_set(void);

/// The first CPU feature of that level which this CPU lacks, or NULL. Safe to call on any x86-64.
const char *cplatform_missing_feature(void);

/// 1 if the CPU and the operating system support AVX-512 F, BW, CD, DQ and VL.
int cplatform_has_avx512(void);

/// 1 if the CPU and the operating system support AVX2 and FMA.
int cplatform_has_avx2(void);

/// The version of the C library.
const char *cplatform_libc(void);

/// The cores that this process may run on, and those of the machine that are online.
int cplatform_bound_cores(void);
int cplatform_host_cores(void);

/// Ask the kernel for the memory of [address, address + bytes) now. Returns 0, or the errno that says why it could not
/// be had (EFAULT or ENOMEM: the store behind it is full). A plain write would die with SIGBUS instead.
int cplatform_populate(void *address, unsigned long bytes);

/// Ask for huge pages behind [address, address + bytes); advice only, so nothing is returned.
void cplatform_advise_huge_pages(void *address, unsigned long bytes);

/// From now on SIGUSR1, SIGTERM and SIGINT do not end this process, but are noted; a second SIGINT ends it.
void cplatform_watch_stop_signals(void);

/// The first of these signals that came, or 0.
int cplatform_stop_signal(void);

#endif
