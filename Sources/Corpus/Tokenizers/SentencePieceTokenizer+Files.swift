extension SentencePieceTokenizer {
    static let modelFileName = "tokenizer.model"

    /// `tokenizer.model` as it was read and, for a BPE model, `tokenizer.json` with `tokenizer_config.json`, with which
    /// `transformers.AutoTokenizer` gives the ids of ``Tokenizer/encode(_:)`` behind one begin-of-text id.
    ///
    /// Left to the `.model` alone, transformers 5 ranks merges by id instead of score and gives other ids for runs of
    /// spaces in Llama 2's model. What `tokenizer.json` cannot say exactly (unigram models, models that normalise
    /// text or have user-defined pieces) gets the `.model` alone.
    public var files: [TokenizerFile] {
        let model = TokenizerFile(name: Self.modelFileName, content: modelFile.content)
        let pieces = modelFile.pieces
        guard modelFile.kind == .bpe, !modelFile.normalizes,
            pieces.allSatisfy({ $0.kind != .userDefined && $0.kind != .unused })
        else { return [model] }
        return [model] + huggingFace(pieces).files
    }

    private func huggingFace(_ pieces: [SentencePieceModelFile.Piece]) -> HuggingFaceTokenizer {
        let prefix = modelFile.addsDummyPrefix
        let normalizers =
            (prefix ? [#"{"type": "Prepend", "prepend": "▁"}"#] : [])
            + [#"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#]
        let decoders =
            [
                #"{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}"#, #"{"type": "ByteFallback"}"#,
                #"{"type": "Fuse"}"#,
            ] + (prefix ? [#"{"type": "Strip", "content": " ", "start": 1, "stop": 0}"#] : [])
        return HuggingFaceTokenizer(
            pieces: pieces.map(\.text), merges: merges(of: pieces),
            specialIDs: pieces.indices.filter { pieces[$0].kind == .control || pieces[$0].kind == .unknown },
            beginOfText: beginOfText.map(Int.init), endOfText: endOfText.map(Int.init),
            unknown: pieces.firstIndex { $0.kind == .unknown }, fallsBackToBytes: modelFile.fallsBackToBytes,
            normalizer: #"{"type": "Sequence", "normalizers": [\#(normalizers.joined(separator: ", "))]}"#,
            decoder: #"{"type": "Sequence", "decoders": [\#(decoders.joined(separator: ", "))]}"#, name: "sentencepiece"
        )
    }

    /// SentencePiece merges any neighbours whose union is a piece, the best score first; as explicit pairs that is every
    /// way to cut a piece into two.
    private func merges(of pieces: [SentencePieceModelFile.Piece]) -> [(left: String, right: String)] {
        // Bytes as keys: String compares by canonical equivalence.
        let normal = pieces.filter { $0.kind == .normal }
        let known = Set(normal.map { Array($0.text.utf8) })
        let ranked = normal.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
        return ranked.flatMap { _, piece -> [(left: String, right: String)] in
            let scalars = piece.text.unicodeScalars
            return scalars.indices.dropFirst().compactMap { cut -> (left: String, right: String)? in
                let (left, right) = (String(scalars[..<cut]), String(scalars[cut...]))
                guard known.contains(Array(left.utf8)), known.contains(Array(right.utf8)) else { return nil }
                return (left, right)
            }
        }
    }
}
