#ifndef CSENTENCEPIECE_H
#define CSENTENCEPIECE_H

#include <stddef.h>
#include <stdint.h>

/// SentencePiece behind a C interface: handles, plain numbers, and error text instead of C++ statuses and exceptions.
///
/// A function that can fail takes `error` (of `errorCapacity` bytes) and fills it with a NUL-terminated sentence when it does.
/// Functions with an output buffer return the size that the whole output needs and fill the buffer only when it fits.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CSentencePieceModel CSentencePieceModel;
typedef struct CSentencePieceTrainer CSentencePieceTrainer;

/// Parses the content of a `.model` file. NULL: failed. The result may be used by many threads at once.
CSentencePieceModel *CSentencePieceModel_load(
    const uint8_t *content, size_t count, char *error, size_t errorCapacity);
void CSentencePieceModel_free(CSentencePieceModel *model);

int32_t CSentencePieceModel_pieceCount(const CSentencePieceModel *model);
/// The ids of the special pieces, or -1 for one that the model does not have.
int32_t CSentencePieceModel_unknownID(const CSentencePieceModel *model);
int32_t CSentencePieceModel_beginID(const CSentencePieceModel *model);
int32_t CSentencePieceModel_endID(const CSentencePieceModel *model);

/// Ids of a UTF-8 text. Returns how many there are, or -1: failed.
ptrdiff_t CSentencePieceModel_encode(
    const CSentencePieceModel *model, const char *text, size_t count, int32_t *ids, size_t capacity, char *error,
    size_t errorCapacity);
/// UTF-8 text of ids. Returns its length in bytes, or -1: failed.
ptrdiff_t CSentencePieceModel_decode(
    const CSentencePieceModel *model, const int32_t *ids, size_t count, char *text, size_t capacity, char *error,
    size_t errorCapacity);

/// Collects text, then trains a byte-pair-encoding model on it. NULL: out of memory.
CSentencePieceTrainer *CSentencePieceTrainer_create(void);
void CSentencePieceTrainer_free(CSentencePieceTrainer *trainer);
/// Adds a passage of UTF-8 text (line breaks allowed). Returns 0, or -1: out of memory.
int CSentencePieceTrainer_add(CSentencePieceTrainer *trainer, const char *text, size_t count);
/// Trains on all that was added. Returns the size of the `.model` file in bytes, or -1: failed.
ptrdiff_t CSentencePieceTrainer_train(
    CSentencePieceTrainer *trainer, int32_t vocabularySize, char *error, size_t errorCapacity);
/// Copies the trained model file into a buffer of the size that `train` returned.
void CSentencePieceTrainer_copyModel(const CSentencePieceTrainer *trainer, uint8_t *content);

#ifdef __cplusplus
}
#endif

#endif
