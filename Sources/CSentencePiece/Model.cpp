#include <sentencepiece_processor.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "CSentencePiece.h"
#include "Support.hpp"

using csentencepiece::guarded;
using csentencepiece::report;

struct CSentencePieceModel {
    sentencepiece::SentencePieceProcessor processor;
};

CSentencePieceModel *CSentencePieceModel_load(
    const uint8_t *content, size_t count, char *error, size_t errorCapacity) {
    return guarded<CSentencePieceModel *>(nullptr, error, errorCapacity, [&]() -> CSentencePieceModel * {
        auto model = std::make_unique<CSentencePieceModel>();
        const auto status = model->processor.LoadFromSerializedProto(
            absl::string_view(reinterpret_cast<const char *>(content), count));
        if (!status.ok()) {
            report(status.ToString(), error, errorCapacity);
            return nullptr;
        }
        return model.release();
    });
}

void CSentencePieceModel_free(CSentencePieceModel *model) { delete model; }

int32_t CSentencePieceModel_pieceCount(const CSentencePieceModel *model) { return model->processor.GetPieceSize(); }
int32_t CSentencePieceModel_unknownID(const CSentencePieceModel *model) { return model->processor.unk_id(); }
int32_t CSentencePieceModel_beginID(const CSentencePieceModel *model) { return model->processor.bos_id(); }
int32_t CSentencePieceModel_endID(const CSentencePieceModel *model) { return model->processor.eos_id(); }

ptrdiff_t CSentencePieceModel_encode(
    const CSentencePieceModel *model, const char *text, size_t count, int32_t *ids, size_t capacity, char *error,
    size_t errorCapacity) {
    return guarded<ptrdiff_t>(-1, error, errorCapacity, [&]() -> ptrdiff_t {
        std::vector<int> encoded;
        const auto status = model->processor.Encode(absl::string_view(text, count), &encoded);
        if (!status.ok()) {
            report(status.ToString(), error, errorCapacity);
            return -1;
        }
        if (encoded.size() <= capacity) std::copy(encoded.begin(), encoded.end(), ids);
        return static_cast<ptrdiff_t>(encoded.size());
    });
}

ptrdiff_t CSentencePieceModel_decode(
    const CSentencePieceModel *model, const int32_t *ids, size_t count, char *text, size_t capacity, char *error,
    size_t errorCapacity) {
    return guarded<ptrdiff_t>(-1, error, errorCapacity, [&]() -> ptrdiff_t {
        std::string decoded;
        const auto status = model->processor.Decode(std::vector<int>(ids, ids + count), &decoded);
        if (!status.ok()) {
            report(status.ToString(), error, errorCapacity);
            return -1;
        }
        if (decoded.size() <= capacity) std::copy(decoded.begin(), decoded.end(), text);
        return static_cast<ptrdiff_t>(decoded.size());
    });
}
