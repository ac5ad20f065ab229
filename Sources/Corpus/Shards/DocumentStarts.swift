/// For each position of a window the first position of its document: what attention with a document mask may look back to.
///
/// A window begins within some document, so position 0 opens one whatever its id is.
/// - Parameter separator: the id that opens every document (``TokenDataset/separator``).
public func documentStarts(in window: [Int32], separator: Int32) -> [Int32] {
    var start: Int32 = 0
    return window.indices.map { position in
        if window[position] == separator { start = Int32(position) }
        return start
    }
}
