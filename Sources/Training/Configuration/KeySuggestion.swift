extension ConfigSection {
    /// The names of the keys and sections directly in `section`; `""` is the whole configuration.
    static func names(in section: String) -> [String] {
        let sections = all.map(\.path).filter { isDirectly($0, in: section) }
        let keys = ConfigKey.all.map(\.path).filter { isDirectly($0, in: section) }
        return (keys + sections).map(lastPart)
    }

    private static func isDirectly(_ path: String, in section: String) -> Bool {
        path == (section.isEmpty ? lastPart(path) : "\(section).\(lastPart(path))")
    }
}

/// What the user may have meant by the unknown key `path`: the same name in another section, a name nearly alike, first
/// in the same section and then anywhere, or else the names that the section has.
func suggestion(for path: String) -> String {
    let known = ConfigKey.all.map(\.path) + ConfigSection.all.map(\.path)
    let name = lastPart(path)
    let section = String(path.dropLast(name.count + 1))

    let namesakes = known.filter { lastPart($0) == name }
    if !namesakes.isEmpty { return "did you mean \(namesakes.joined(separator: " or "))?" }
    let siblings = ConfigSection.names(in: section)
    if let sibling = nearestWord(to: name, among: siblings) {
        return "did you mean \(section.isEmpty ? sibling : "\(section).\(sibling)")?"
    }
    if let other = nearestWord(to: name, among: known.map(lastPart)) {
        return "did you mean \(known.filter { lastPart($0) == other }.joined(separator: " or "))?"
    }
    if siblings.isEmpty { return "the sections are \(ConfigSection.names(in: "").joined(separator: ", "))" }
    return "\(section.isEmpty ? "the sections are" : "\(section) has") \(siblings.joined(separator: ", "))"
}

private func lastPart(_ path: String) -> String {
    path.lastIndex(of: ".").map { String(path[path.index(after: $0)...]) } ?? path
}
