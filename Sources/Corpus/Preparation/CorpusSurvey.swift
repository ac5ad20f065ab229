import FileSafety

/// The first reading of a corpus: what it holds, and whether all of it is text.
struct CorpusSurvey {
    private(set) var documents = 0
    /// UTF-8 bytes of all documents.
    private(set) var textBytes = 0
    /// The content hash of each split's candidate: the documents with the lowest and with the highest hash.
    private(set) var lowest: (hash: UInt64, ordinal: Int) = (.max, 0)
    private(set) var highest: (hash: UInt64, ordinal: Int) = (.min, 0)
    /// One sentence for each file that was not quite as it should be.
    private(set) var notes: [String] = []

    /// A file with more broken sequences than one in so many bytes is taken for another encoding, not for damaged UTF-8.
    private static let bytesPerBrokenSequence = 1000

    /// - Parameter visit: gets each document, and the bytes of all so far.
    /// - Throws: `CorpusError` for files that cannot be read or are not UTF-8, and for a corpus without any document.
    mutating func read(
        _ files: [InputFile], with reader: DocumentReader, visit: (_ text: String, _ bytes: Int) throws -> Void
    ) throws {
        for file in files {
            let account = try reader.forEachDocument(of: file) { text in
                let hash = ContentHash.of(text)
                if hash < lowest.hash || documents == 0 { lowest = (hash, documents) }
                if hash >= highest.hash { highest = (hash, documents) }
                documents += 1
                textBytes += text.utf8.count
                try visit(text, textBytes)
            }
            try note(account, of: file)
        }
        if documents == 0 {
            throw CorpusError.data(
                "there is no text in \(files.map(\.path).joined(separator: ", ")): nothing, or nothing but white space")
        }
    }

    private mutating func note(_ account: DocumentReader.Account, of file: InputFile) throws(CorpusError) {
        if account.documents == 0 { notes.append("\(file.path) holds no text") }
        guard let offset = account.firstInvalidOffset else { return }
        let count = account.invalidSequences
        if count * Self.bytesPerBrokenSequence > account.bytes, count > 1 {
            throw .data(
                "\(file.path) is not UTF-8: \(count) invalid sequences in \(account.bytes) bytes, the first at byte \(offset). Convert it, for example with iconv -f ISO-8859-1 -t UTF-8"
            )
        }
        notes.append(
            "\(file.path): \(count) invalid UTF-8 \(count == 1 ? "sequence" : "sequences") became U+FFFD, the first at byte \(offset)"
        )
    }
}
