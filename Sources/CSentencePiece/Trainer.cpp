#include <sentencepiece_trainer.h>

#include <algorithm>
#include <new>
#include <string>
#include <unordered_map>
#include <vector>

#include "CSentencePiece.h"
#include "Support.hpp"

using csentencepiece::guarded;
using csentencepiece::report;

struct CSentencePieceTrainer {
    std::vector<std::string> passages;
    std::string model;
};

namespace {

class PassageIterator : public sentencepiece::SentenceIterator {
   public:
    explicit PassageIterator(const std::vector<std::string> &passages) : passages_(passages) {}
    bool done() const override { return next_ >= passages_.size(); }
    void Next() override { ++next_; }
    const std::string &value() const override { return passages_[next_]; }
    sentencepiece::util::Status status() const override { return {}; }

   private:
    const std::vector<std::string> &passages_;
    size_t next_ = 0;
};

/// The settings of Llama 2's tokenizer, but for the dummy prefix: without it a text that begins with a space comes back
/// as it was, and transformers (which skips the prefix before a space, while SentencePiece adds it) gives the same ids.
std::unordered_map<std::string, std::string> settings(int32_t vocabularySize) {
    return {
        {"model_type", "bpe"},
        {"vocab_size", std::to_string(vocabularySize)},
        {"byte_fallback", "true"},
        {"split_digits", "true"},
        {"allow_whitespace_only_pieces", "true"},
        {"character_coverage", "0.99995"},
        {"normalization_rule_name", "identity"},
        {"remove_extra_whitespaces", "false"},
        {"add_dummy_prefix", "false"},
        {"unk_id", "0"},
        {"bos_id", "1"},
        {"eos_id", "2"},
        {"pad_id", "-1"},
        // The caller bounds the passages; here none may be dropped for its length.
        {"max_sentence_length", "1000000000"},
        {"num_threads", "1"},
        // Errors come back as a status, so the log may say nothing below "fatal".
        {"minloglevel", "3"},
    };
}

}  // namespace

CSentencePieceTrainer *CSentencePieceTrainer_create(void) { return new (std::nothrow) CSentencePieceTrainer; }

void CSentencePieceTrainer_free(CSentencePieceTrainer *trainer) { delete trainer; }

int CSentencePieceTrainer_add(CSentencePieceTrainer *trainer, const char *text, size_t count) {
    return guarded<int>(-1, nullptr, 0, [&]() -> int {
        trainer->passages.emplace_back(text, count);
        return 0;
    });
}

ptrdiff_t CSentencePieceTrainer_train(
    CSentencePieceTrainer *trainer, int32_t vocabularySize, char *error, size_t errorCapacity) {
    return guarded<ptrdiff_t>(-1, error, errorCapacity, [&]() -> ptrdiff_t {
        PassageIterator passages(trainer->passages);
        trainer->model.clear();
        const auto status =
            sentencepiece::SentencePieceTrainer::Train(settings(vocabularySize), &passages, &trainer->model);
        if (!status.ok()) {
            report(status.ToString(), error, errorCapacity);
            return -1;
        }
        return static_cast<ptrdiff_t>(trainer->model.size());
    });
}

void CSentencePieceTrainer_copyModel(const CSentencePieceTrainer *trainer, uint8_t *content) {
    std::copy(trainer->model.begin(), trainer->model.end(), content);
}
