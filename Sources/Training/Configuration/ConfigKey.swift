import Yams

/// One key of the configuration. The table of all of them, `ConfigKey.all`, is the only place that knows a key: reading,
/// `--set`, printing, JSON and the reference are all made from it.
public struct ConfigKey: Sendable {
    /// The sections and the name, joined by dots: `optimizer.learning_rate`.
    public let path: String
    /// The values allowed, in words that complete "must be …".
    public let wanted: String
    /// What the key means, with its unit.
    public let help: String
    let read: @Sendable (Node, inout RunConfig) throws(Mismatch) -> Void
    let write: @Sendable (RunConfig) -> ConfigValue

    init<Value>(
        _ path: String, _ place: WritableKeyPath<RunConfig, Value> & Sendable, _ form: ValueForm<Value>, _ help: String
    ) {
        self.path = path
        self.wanted = form.wanted
        self.help = help
        self.read = { node, config throws(Mismatch) in config[keyPath: place] = try form.read(node) }
        self.write = { config in form.write(config[keyPath: place]) }
    }

    /// The last part of the path.
    public var name: String { String(path.split(separator: ".").last!) }
    /// The path without its last part.
    public var section: String { String(path.dropLast(name.count + 1)) }

    /// Whether the value in `config`, however it came there, is one that could have been read.
    func allows(_ config: RunConfig) -> Bool {
        var copy = config
        do {
            try read(try composeYAML(write(config).yaml) ?? Node(""), &copy)
            return true
        } catch { return false }
    }

    static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })
}

/// A group of keys.
public struct ConfigSection: Sendable {
    /// `objective.jreg` lies within `objective`.
    public let path: String
    public let help: String

    public var name: String { String(path.split(separator: ".").last!) }
    /// How many sections it lies within.
    public var depth: Int { path.split(separator: ".").count - 1 }
    public var keys: [ConfigKey] { ConfigKey.all.filter { $0.section == path } }

    static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })
}
