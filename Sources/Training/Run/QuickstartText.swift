import Corpus
import Foundation
import Logging

/// The text of the built-in configuration, so that `jreg-dist` with no argument works as it stands.
enum QuickstartText {
    /// Debian's package dict-gcide, as apt-get installs it and as `Launch/install text` unpacks it.
    private static let dictionary = "usr/share/dictd/gcide.dict.dz"

    /// Makes the dataset of the built-in configuration where it is missing and its text is not. Rank 0 alone calls it.
    static func prepareIfMissing(_ config: RunConfig, _ logger: Logger) throws {
        let standard = RunConfig()
        guard config.data.train == standard.data.train, let output = standard.data.train.first,
            !FileManager.default.fileExists(atPath: output + "/dataset.json")
        else { return }
        let places = ["/" + dictionary, "data/dict-gcide/" + dictionary]
        guard let text = places.first(where: FileManager.default.fileExists) else {
            throw TrainingError(
                .usage,
                "there is no data to train on: \(output) is made by Launch/quickstart, or here from the text of Debian's "
                    + "package dict-gcide if it is installed. For text of your own: jreg-dist prepare --input FILE... "
                    + "--out data/mine --train-bpe 4096, then --set data.train=[data/mine]")
        }
        logger.info("preparing \(output) from \(text), once")
        try PrepareCommand(
            preparation: CorpusPreparation(
                inputs: [text], output: output, tokenizer: .trainBPE(standard.model.shape.vocabSize))
        ).run(logger)
    }
}
