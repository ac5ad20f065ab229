extension RunConfig {
    /// The resolved configuration as YAML that `load` takes: every key, each with what it means.
    ///
    /// The shape is a comment where `model.init_from` names a checkpoint, for it is read from there.
    public var yaml: String {
        var lines: [String] = []
        for section in ConfigSection.all {
            let indent = String(repeating: "  ", count: section.depth)
            lines.append("\(indent)\(section.name):".commented(section.help))
            for key in section.keys {
                let isTaken = model.initFrom != nil && key.section == "model" && key.path != "model.init_from"
                lines.append(
                    "\(indent)  \(isTaken ? "# " : "")\(key.name): \(key.write(self).yaml)".commented(key.help))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The resolved configuration as one line of nested JSON, for `init(json:)`.
    public var json: String { Self.tree(of: "", in: self).json }

    /// All keys as Markdown tables, one for each section, with the defaults of the quickstart.
    public static var keyReference: String {
        ConfigSection.all.map { section in
            let rows = section.keys.map { key in
                "| `\(key.path)` | `\(key.write(RunConfig()).yaml)` | \(key.wanted) | \(key.help) |"
            }
            let head = [
                "### \(section.path): \(section.help)", "", "| key | default | values | meaning |", "|---|---|---|---|",
            ]
            return (head + rows).joined(separator: "\n") + "\n"
        }.joined(separator: "\n")
    }

    private static func tree(of section: String, in config: RunConfig) -> ConfigValue {
        let keys = ConfigKey.all.filter { $0.section == section }.map { ($0.name, $0.write(config)) }
        let sections = ConfigSection.all.filter { $0.parent == section }.map {
            ($0.name, tree(of: $0.path, in: config))
        }
        return .map(keys + sections)
    }
}

extension ConfigSection {
    fileprivate var parent: String { String(path.dropLast(name.count + 1)) }
}

extension String {
    /// The line with `comment` behind it, in a column of its own.
    fileprivate func commented(_ comment: String) -> String {
        padding(to: 40) + "  # " + comment
    }

    private func padding(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
