#ifndef CLIBFUZZER_H
#define CLIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// What libFuzzer offers to a program with a main function of its own: calls `callback` with inputs until it is told to stop,
/// or one of them ends the process. See llvm.org/docs/LibFuzzer.html. It is there only in a build with `-sanitize=fuzzer`.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

#endif
