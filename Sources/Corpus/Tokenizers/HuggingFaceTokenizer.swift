import Foundation

/// A BPE tokenizer in the two files that Hugging Face's libraries read: `tokenizer.json` (of `tokenizers`) and
/// `tokenizer_config.json` (of `transformers`).
///
/// Written as text, piece by piece: a Swift dictionary would take pieces for one that differ only in how Unicode composes
/// a character.
struct HuggingFaceTokenizer {
    /// The vocabulary in the order of the ids.
    var pieces: [String]
    /// Pairs of pieces in the order in which they are merged.
    var merges: [(left: String, right: String)] = []
    /// Ids that text never gives.
    var specialIDs: [Int]
    var beginOfText: Int?
    var endOfText: Int?
    var unknown: Int?
    var fallsBackToBytes = false
    /// JSON objects of the pipeline before and behind the merges.
    var normalizer = "null"
    var preTokenizer = "null"
    var decoder: String
    /// What marks the files for ``loadTokenizer(inDirectory:)``.
    var name: String

    var files: [TokenizerFile] {
        [
            TokenizerFile(name: tokenizerJSONName, content: Data(tokenizer.utf8)),
            TokenizerFile(name: tokenizerConfigurationName, content: Data(configuration.utf8)),
        ]
    }

    private var tokenizer: String {
        let added = specialIDs.map { id in
            """
                {"id": \(id), "content": \(quoted(pieces[id])), "special": true, "single_word": false, "lstrip": false, \
            "rstrip": false, "normalized": false}
            """
        }
        return """
            {
              "version": "1.0",
              "truncation": null,
              "padding": null,
              "added_tokens": [
            \(added.joined(separator: ",\n"))
              ],
              "normalizer": \(normalizer),
              "pre_tokenizer": \(preTokenizer),
              "post_processor": \(postProcessor),
              "decoder": \(decoder),
              "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": \(quoted(unknown)),
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": true,
                "byte_fallback": \(fallsBackToBytes),
                "vocab": {
            \(pieces.enumerated().map { "      \(quoted($1)): \($0)" }.joined(separator: ",\n"))
                },
                "merges": [
            \(merges.map { "      \(quoted($0.left + " " + $0.right))" }.joined(separator: ",\n"))
                ]
              }
            }

            """
    }

    /// Begin-of-text before every text.
    private var postProcessor: String {
        guard let beginOfText else { return "null" }
        let text = quoted(pieces[beginOfText])
        let begin = #"{"SpecialToken": {"id": \#(text), "type_id": 0}}"#
        let (first, second) = (#"{"Sequence": {"id": "A", "type_id": 0}}"#, #"{"Sequence": {"id": "B", "type_id": 0}}"#)
        return """
            {"type": "TemplateProcessing", "single": [\(begin), \(first)], "pair": [\(begin), \(first), \(begin), \(second)], \
            "special_tokens": {\(text): {"id": \(text), "ids": [\(beginOfText)], "tokens": [\(text)]}}}
            """
    }

    private var configuration: String {
        """
        {
          "tokenizer_class": "PreTrainedTokenizerFast",
          "bos_token": \(quoted(beginOfText)),
          "eos_token": \(quoted(endOfText)),
          "unk_token": \(quoted(unknown)),
          "clean_up_tokenization_spaces": false,
          "jreg_dist_tokenizer": \(quoted(name))
        }

        """
    }

    private func quoted(_ id: Int?) -> String { id.map { quoted(pieces[$0]) } ?? "null" }

    /// A JSON string.
    private func quoted(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\0"..<" ": json += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
