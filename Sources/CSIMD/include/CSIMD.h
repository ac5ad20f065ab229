#ifndef CSIMD_H
#define CSIMD_H

/// What the innermost loops need and Swift has no word for: prefetching and shuffles. Inline, so that Swift compiles them for its own
/// instruction set: shuffles written with SIMD16's halves become eight times as many instructions.

/// Sixteen floats at any address.
typedef float csimd_lanes __attribute__((vector_size(64), aligned(4)));

/// Bring the cache line at `address` into the first cache, to be written.
static inline __attribute__((always_inline)) void csimd_prefetch_to_write(const void *address) {
    __builtin_prefetch(address, 1, 3);
}

/// Bring the cache line at `address` into the first cache, to be read.
static inline __attribute__((always_inline)) void csimd_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// One round of a perfect shuffle: row i of the first half is interleaved with row i of the second. `log2(rows)` rounds
/// bring element (row, column) to place column · rows + row.
#define CSIMD_SHUFFLE(from, to, half)                                                                                \
    for (int i = 0; i < (half); i++) {                                                                               \
        to[2 * i] = __builtin_shufflevector(from[i], from[i + (half)], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6,  \
                                            22, 7, 23);                                                              \
        to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + (half)], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, \
                                                29, 14, 30, 15, 31);                                                 \
    }

/// to[column][row] = from[row][column], 4 rows of 16, `stride` floats apart; `to` is dense.
static inline __attribute__((always_inline)) void csimd_transpose_4x16(const float *from, long stride, float *to) {
    csimd_lanes a[4], b[4];
    for (int row = 0; row < 4; row++) a[row] = *(const csimd_lanes *)(from + row * stride);
    CSIMD_SHUFFLE(a, b, 2)
    CSIMD_SHUFFLE(b, a, 2)
    for (int i = 0; i < 4; i++) *(csimd_lanes *)(to + 16 * i) = a[i];
}

/// to[column][row] = from[row][column], 8 rows of 16, `stride` floats apart; `to` is dense.
static inline __attribute__((always_inline)) void csimd_transpose_8x16(const float *from, long stride, float *to) {
    csimd_lanes a[8], b[8];
    for (int row = 0; row < 8; row++) a[row] = *(const csimd_lanes *)(from + row * stride);
    CSIMD_SHUFFLE(a, b, 4)
    CSIMD_SHUFFLE(b, a, 4)
    CSIMD_SHUFFLE(a, b, 4)
    for (int i = 0; i < 8; i++) *(csimd_lanes *)(to + 16 * i) = b[i];
}

/// to[column · width + row] = from[row][column], 16 rows of 16, `stride` floats apart.
static inline __attribute__((always_inline)) void csimd_transpose_16x16(
    const float *from, long stride, float *to, long width) {
    csimd_lanes a[16], b[16];
    for (int row = 0; row < 16; row++) a[row] = *(const csimd_lanes *)(from + row * stride);
    CSIMD_SHUFFLE(a, b, 8)
    CSIMD_SHUFFLE(b, a, 8)
    CSIMD_SHUFFLE(a, b, 8)
    CSIMD_SHUFFLE(b, a, 8)
    for (int column = 0; column < 16; column++) *(csimd_lanes *)(to + column * width) = a[column];
}

#endif
