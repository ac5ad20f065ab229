import FileSafety

/// Which documents are held out: those whose content hash falls below a threshold.
///
/// So a document and its copies land on the same side, and adding text moves none of what was there. When all documents
/// fall on one side, the one nearest to the other side goes over.
struct ValidationSplit {
    private let threshold: UInt64
    /// The document that is alone on its side, whatever its hash.
    private let exception: Int?
    private let fraction: Double
    /// Whether there is but one document, which is cut in two.
    let cutsSingleDocument: Bool

    init(fraction: Double, survey: CorpusSurvey) throws {
        self.fraction = fraction
        threshold = UInt64(fraction * 0x1p64)
        cutsSingleDocument = fraction > 0 && survey.documents == 1
        if fraction == 0 {
            exception = nil
        } else if survey.lowest.hash >= threshold {
            exception = survey.lowest.ordinal
        } else if survey.highest.hash < threshold {
            exception = survey.highest.ordinal
        } else {
            exception = nil
        }
    }

    /// A document with the split it belongs to, or the two parts of a single one.
    /// - Parameter ordinal: the number of the document in the corpus.
    func parts(of text: String, ordinal: Int) throws(CorpusError) -> [(text: String, split: DatasetSplit)] {
        if cutsSingleDocument {
            let (head, tail) = try cut(text)
            return [(head, .train), (tail, .validation)]
        }
        let isLow = ContentHash.of(text) < threshold
        return [(text, isLow != (ordinal == exception) ? .validation : .train)]
    }

    /// Cuts at the end of line nearest to the wanted share; a text of one line between two words.
    private func cut(_ text: String) throws(CorpusError) -> (head: String, tail: String) {
        let bytes = Array(text.utf8)
        let wanted = Int(Double(bytes.count) * (1 - fraction))
        // A cut at 0 or at the end would leave one side empty.
        let inside = 1..<max(1, bytes.count)
        let cuts = [UInt8(ascii: "\n"), UInt8(ascii: " ")].lazy.compactMap { mark in
            inside.filter { bytes[$0 - 1] == mark }.min { abs($0 - wanted) < abs($1 - wanted) }
        }
        guard let cut = cuts.first else {
            throw .data(
                "the text is a single word of \(bytes.count) bytes, too short to hold out a part: use more text, or --val-fraction 0"
            )
        }
        return (String(decoding: bytes[..<cut], as: UTF8.self), String(decoding: bytes[cut...], as: UTF8.self))
    }
}
