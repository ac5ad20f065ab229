extension String {
    /// The text as it may be shown on a terminal: what is taken from files may hold control characters, which would be
    /// commands to it, and be of any length. Line breaks stay.
    public var plain: String {
        let longest = 4000
        let shown = unicodeScalars.prefix(longest).map { $0.isControl && $0 != "\n" ? "\u{FFFD}" : $0 }
        var text = String(String.UnicodeScalarView(shown))
        if shown.count == longest { text += "…" }
        return text
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }
}

/// Whether `name` is that of a file in the directory at hand: no path, which could lead out of it, and nothing that is a
/// command to a terminal.
public func isPlainFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count < 256 && !name.utf8.contains(UInt8(ascii: "/"))
        && !name.unicodeScalars.contains(where: \.isControl)
}
