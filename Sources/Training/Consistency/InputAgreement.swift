import Checkpoints
import Collectives
import Corpus

/// Whether all ranks read the same: a host may have a copy of its own of a file, and an old one.
package enum InputAgreement {
    /// What to know of the configuration's file, which rank 0 has read for all. Collective.
    /// - Returns: on rank 0, which ranks see another file there.
    static func note(onConfig path: String?, _ communicator: any Communicator) throws -> String? {
        guard let path, communicator.worldSize > 1 else { return nil }
        // Whoever does not see the file need not.
        let seen = try communicator.gatherTexts((try? FileDigest(ofFile: path).xxh3) ?? "")
        let hosts = try communicator.gatherTexts(communicator.topology.hostName)
        let others = seen.indices.filter { !seen[$0].isEmpty && seen[$0] != seen[0] }
        guard !others.isEmpty else { return nil }
        return "\(path) is another file for \(rankList(others, hosts: hosts)) than for rank 0 on \(hosts[0]), which "
            + "reads it for all: is it an old copy?"
    }

    /// Collective.
    /// - Throws: `TrainingError` on rank 0 where a rank reads other tokens.
    static func require(_ data: RunData, _ paths: [String], _ communicator: any Communicator) throws {
        guard communicator.worldSize > 1 else { return }
        func text(_ dataset: TokenDataset?) -> String {
            dataset.map { "\($0.tokenCount) tokens with the fingerprint \($0.fingerprint)" } ?? "none"
        }
        let splits = [
            ("training", try communicator.gatherTexts(text(data.train))),
            ("validation", try communicator.gatherTexts(text(data.validation))),
        ]
        let hosts = try communicator.gatherTexts(communicator.topology.hostName)
        try communicator.together {
            guard communicator.rank == 0, let problem = problem(splits, paths, hosts: hosts) else { return }
            throw TrainingError(.data, problem)
        }
    }

    /// - Parameter splits: the name of each, and what every rank has of it.
    package static func problem(
        _ splits: [(name: String, texts: [String])], _ paths: [String], hosts: [String]
    ) -> String? {
        for (name, texts) in splits {
            let others = texts.indices.filter { texts[$0] != texts[0] }
            guard let first = others.first else { continue }
            return "the ranks do not read the same \(name) data from \(paths.joined(separator: ", ")): rank 0 on "
                + "\(hosts[0]) reads \(texts[0]), but \(rankList(others, hosts: hosts)) \(texts[first]). Put the same files "
                + "on all hosts, or name a folder that all share"
        }
        return nil
    }
}
