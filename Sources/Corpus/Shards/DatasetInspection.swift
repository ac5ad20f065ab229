import Foundation

extension DatasetDescription {
    /// Checks every file of a prepared dataset, whatever is wrong with the others: the description, each shard (header,
    /// size, ids, hash) and the tokenizer.
    ///
    /// - Returns: a line for each file, with what is wrong; nil where nothing is.
    public static func inspect(_ directory: String) -> [(path: String, problem: String?)] {
        let path = directory + "/" + DatasetFiles.description
        let description: DatasetDescription
        do {
            description = try read(inDirectory: directory)
        } catch {
            return [(path, "\(error)")]
        }
        var findings: [(path: String, problem: String?)] = [(path, description.contradiction)]
        for shard in description.train.shards + description.validation.shards {
            findings.append((directory + "/" + shard.file, description.problem(of: shard, in: directory)))
        }
        let files = [SentencePieceTokenizer.modelFileName, tokenizerConfigurationName, tokenizerJSONName]
        let tokenizer = files.first { FileManager.default.fileExists(atPath: directory + "/" + $0) } ?? files[0]
        findings.append((directory + "/" + tokenizer, description.problemOfTokenizer(in: directory)))
        return findings
    }

    /// Where the description does not agree with itself.
    private var contradiction: String? {
        for split in DatasetSplit.allCases {
            let rest = SplitDescription(shards: self[split].shards, unigramEntropy: self[split].unigramEntropy)
            if rest != self[split] {
                return "its \(split) split has \(self[split].tokens) tokens in all and the fingerprint "
                    + "\(self[split].fingerprint), but the shards that it lists come to \(rest.tokens) tokens and "
                    + "\(rest.fingerprint): run `jreg-dist prepare --overwrite`"
            }
        }
        return nil
    }

    private func problem(of listed: ShardDescription, in directory: String) -> String? {
        do {
            let shard = try TokenShard(path: directory + "/" + listed.file, vocabularySize: vocabularySize)
            return shard.difference(from: listed)
        } catch {
            return "\(error)"
        }
    }

    private func problemOfTokenizer(in directory: String) -> String? {
        do {
            let found = try loadTokenizer(inDirectory: directory).vocabularySize
            return found == vocabularySize
                ? nil : "the tokenizer has \(found) ids, but the shards were made with one of \(vocabularySize)"
        } catch {
            return "\(error)"
        }
    }
}

extension TokenShard {
    /// In what this shard is not the one that a `dataset.json` lists, if in anything.
    func difference(from listed: ShardDescription) -> String? {
        guard tokenCount != listed.tokens || hash != listed.hash else { return nil }
        return
            "\(path) is not the shard that \(DatasetFiles.description) beside it lists: \(tokenCount) tokens with hash "
            + "\(hash), wanted \(listed.tokens) with \(listed.hash). Copy it again or run `jreg-dist prepare --overwrite`"
    }
}
