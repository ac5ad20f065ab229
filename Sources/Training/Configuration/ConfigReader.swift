import LlamaModel
import Yams

/// Puts a configuration together from a file and the overrides of the command line, and collects every fault on the way.
struct ConfigReader {
    private var config = RunConfig()
    private var problems: [ConfigProblem] = []
    /// Where each key that was given stands.
    private var locations: [String: ConfigLocation] = [:]
    /// Keys that were given a wrong value: nothing follows from the default that they keep.
    private var failed: Set<String> = []

    /// From a place in a text to what a message calls it.
    private typealias Locate = (TextPosition) -> ConfigLocation

    /// Enough to mend a file in one go; a file with more of them is no configuration.
    private static let mostProblems = 100

    mutating func read(yaml text: String, named name: String) {
        let locate: Locate = { .file(name, line: $0.line, column: $0.column) }
        guard let root = compose(text, locate) else { return }
        apply(root, to: "", keyAt: locate(root.position), locate)
    }

    /// Applies `assignment`, of the form `batch.lanes=16`, whose value is YAML.
    mutating func override(_ assignment: String, index: Int) {
        let location = ConfigLocation.override(index: index)
        guard let equals = assignment.firstIndex(of: "="), equals > assignment.startIndex else {
            report(location, "\"\(assignment.prefix(60))\" is no assignment; write KEY=VALUE, such as batch.lanes=8")
            return
        }
        let path = String(assignment[..<equals])
        let value = String(assignment[assignment.index(after: equals)...])
        let before = problems.count
        let node = compose(value) { _ in location }
        guard problems.count == before else { return }
        apply(node ?? Node("", .implicit, .plain), to: path, keyAt: location) { _ in location }
    }

    private mutating func report(_ location: ConfigLocation, _ message: String) {
        guard problems.count < Self.mostProblems else { return }
        // A file must not be able to send commands to the terminal.
        let shown = String(message.map { $0.unicodeScalars.contains(where: \.isControl) ? "␣" : $0 })
        problems.append(ConfigProblem(location: location, message: shown))
    }

    /// Resolves what follows from other keys, holds the keys against one another, and hands the configuration out.
    mutating func finish(_ model: ModelSource) throws(ConfigErrors) -> RunConfig {
        resolveModel(model)
        for contradiction in config.contradictions where failed.isDisjoint(with: contradiction.keys) {
            report(location(of: contradiction.keys), contradiction.message)
        }
        guard problems.isEmpty else {
            throw ConfigErrors(problems: problems.sorted { $0.location.order < $1.location.order })
        }
        return config
    }

    // MARK: - Values

    private mutating func compose(_ text: String, _ locate: Locate) -> Node? {
        do { return try composeYAML(text) } catch {
            report(locate(error.position), error.message)
            return nil
        }
    }

    private mutating func apply(
        _ node: Node, to path: String, keyAt: ConfigLocation, _ locate: Locate
    ) {
        if let key = ConfigKey.byPath[path] {
            set(key, to: node, locate)
        } else if path.isEmpty || ConfigSection.byPath[path] != nil {
            descend(into: path, node, locate)
        } else {
            report(keyAt, "unknown key \(path.prefix(120)); " + suggestion(for: path))
        }
    }

    private mutating func set(_ key: ConfigKey, to node: Node, _ locate: Locate) {
        locations[key.path] = locate(node.position)
        do { try key.read(node, &config) } catch {
            failed.insert(key.path)
            let wanted = error.wanted ?? key.wanted
            let hint = error.hint ?? "the default is \(key.write(RunConfig()).yaml)"
            report(
                locate(error.position), "\(key.path)\(error.part) is \(error.found), but must be \(wanted); \(hint)")
        }
    }

    private mutating func descend(into section: String, _ node: Node, _ locate: Locate) {
        if node.plainText == "" { return }
        guard case .mapping(let mapping) = node else {
            let names = ConfigSection.names(in: section).joined(separator: ", ")
            let subject = section.isEmpty ? "the configuration" : section
            report(locate(node.position), "\(subject) is \(node.found), but must be a map of its keys: \(names)")
            return
        }
        for (key, value) in mapping {
            if problems.count == Self.mostProblems { return }
            guard let name = key.scalar?.string else {
                report(locate(key.position), "a key must be a word, but is \(key.found)")
                continue
            }
            apply(value, to: section.isEmpty ? name : "\(section).\(name)", keyAt: locate(key.position), locate)
        }
    }

    // MARK: - What keys mean for one another

    /// Where a model's shape comes from when `model.init_from` names a checkpoint.
    enum ModelSource {
        /// From `config.json` of that directory.
        case checkpoint((String) throws -> LlamaConfig)
        /// From the configuration itself, which was stored with its shape resolved.
        case stored
    }

    private mutating func resolveModel(_ source: ModelSource) {
        switch (config.model.initFrom, source) {
        case (let directory?, .checkpoint(let shape)): takeShape(of: directory, shape)
        case (.some, .stored): break
        case (nil, _): deriveHeads()
        }
    }

    private mutating func takeShape(of directory: String, _ shape: (String) throws -> LlamaConfig) {
        let key = "model.init_from"
        let own = ConfigKey.all.filter { $0.section == "model" && $0.path != key && locations[$0.path] != nil }
        if !own.isEmpty {
            let names = own.map { "\($0.name) (\(locations[$0.path]!))" }.joined(separator: ", ")
            report(
                location(of: [key]),
                "\(key) takes the shape from \(directory)/config.json, but these keys are given beside it: "
                    + "\(names); take them away")
        }
        do { config.model.shape = try shape(directory) } catch {
            failed.insert(key)
            report(location(of: [key]), "\(key) is \(directory), which cannot be used: \(error)")
            return
        }
        for shapeKey in ConfigKey.all where shapeKey.section == "model" && !shapeKey.allows(config) {
            failed.insert(key)
            report(
                location(of: [key]),
                "\(key) is \(directory), whose \(shapeKey.name) is \(shapeKey.write(config).yaml), but must be "
                    + shapeKey.wanted)
        }
    }

    /// Key and value heads, and the width of a head, follow from the query heads where they are not given.
    private mutating func deriveHeads() {
        let shape = config.model.shape
        if locations["model.num_key_value_heads"] == nil {
            config.model.shape.numKeyValueHeads = shape.numAttentionHeads
        }
        guard locations["model.head_dim"] == nil else { return }
        let sources = ["model.num_attention_heads", "model.hidden_size"]
        guard failed.isDisjoint(with: sources) else { return }
        config.model.shape.headDim = max(1, shape.hiddenSize / shape.numAttentionHeads)
        guard shape.hiddenSize.isMultiple(of: shape.numAttentionHeads) else {
            failed.insert("model.head_dim")
            report(
                location(of: sources),
                "model.hidden_size is \(shape.hiddenSize), but must be a multiple of model.num_attention_heads "
                    + "(\(shape.numAttentionHeads)), or else model.head_dim must be given")
            return
        }
    }

    /// The place of the first of `keys` that the user gave, the command line before the file.
    private func location(of keys: [String]) -> ConfigLocation {
        let given = keys.compactMap { locations[$0] }
        let overriding = given.first { if case .override = $0 { true } else { false } }
        return overriding ?? given.first ?? .builtIn
    }
}
