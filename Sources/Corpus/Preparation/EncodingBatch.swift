import Dispatch
import Synchronization

/// Documents that wait to be encoded together on all cores; they leave in the order in which they came.
struct EncodingBatch {
    private static let fullBytes = 4 << 20

    private let tokenizer: any Tokenizer
    private var documents: [(text: String, split: DatasetSplit)] = []
    private var bytes = 0

    init(tokenizer: any Tokenizer) { self.tokenizer = tokenizer }

    var isFull: Bool { bytes >= Self.fullBytes }

    mutating func add(_ text: String, to split: DatasetSplit) {
        documents.append((text, split))
        bytes += text.utf8.count
    }

    /// Encodes and writes all documents; the batch is empty then.
    mutating func drain(into writer: inout DatasetWriter) throws {
        let documents = documents
        let tokenizer = tokenizer
        let encoded = Mutex([Result<[Int32], any Error>?](repeating: nil, count: documents.count))
        DispatchQueue.concurrentPerform(iterations: documents.count) { index in
            let result = Result { try tokenizer.encodeDocument(documents[index].text) }
            encoded.withLock { $0[index] = result }
        }
        for (document, result) in zip(documents, encoded.withLock { $0 }) {
            guard let tokens = try result?.get() else { continue }
            try writer.append(tokens, textBytes: document.text.utf8.count, to: document.split)
        }
        self.documents.removeAll(keepingCapacity: true)
        bytes = 0
    }
}
