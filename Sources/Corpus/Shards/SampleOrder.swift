import FileSafety

/// Which window each sample of a run is: an endless sequence of epochs, each a pseudo-random permutation of the windows.
///
/// A pure function of the seed, the dataset and the sample's index, with no index array: rank, world size and the moment
/// of a resume cannot matter. Each epoch permutes 0 ..< `windowCount` by a keyed Feistel network over a power of four
/// (the next one, at least 256), applied again until the result falls into the range ("cycle walking").
/// Sources: Luby, Rackoff, "How to Construct Pseudorandom Permutations from Pseudorandom Functions" (1988);
/// Black, Rogaway, "Ciphers with Arbitrary Finite Domains" (CT-RSA 2002).
public struct SampleOrder: Sendable, Equatable {
    /// Part of the key: a change of the construction must not pass for the old order.
    private static let formatVersion = 1
    private static let rounds = 8

    public let windowCount: Int
    public let shuffle: Bool
    private let key: UInt64
    /// Half of the bits of a number of the Feistel network's domain.
    private let halfBits: UInt64

    /// - Parameters:
    ///   - windowCount: at least 1.
    ///   - fingerprint: of the dataset, so that other data has another order.
    ///   - shuffle: false takes the windows as they lie.
    public init(seed: UInt64, windowCount: Int, fingerprint: String, shuffle: Bool) {
        precondition(windowCount > 0, "an order needs windows")
        self.windowCount = windowCount
        self.shuffle = shuffle
        key = ContentHash.of("sample order \(Self.formatVersion) \(seed) \(fingerprint)")
        let bits = Int.bitWidth - (windowCount - 1).leadingZeroBitCount
        // In a domain of 16 the orders of five windows come up unevenly (a Feistel network is an even permutation).
        halfBits = UInt64(max(4, (bits + 1) / 2))
    }

    /// The window of a sample. Sample `windowCount` is the first of the second epoch.
    public func window(ofSample sample: Int) -> Int {
        precondition(sample >= 0, "samples are counted from 0")
        let (epoch, position) = sample.quotientAndRemainder(dividingBy: windowCount)
        if !shuffle { return position }
        let epochKey = mixed(key &+ UInt64(epoch) &* goldenGamma)
        var number = UInt64(position)
        repeat { number = permuted(number, key: epochKey) } while number >= UInt64(windowCount)
        return Int(number)
    }

    /// One pass of the Feistel network: a bijection of the numbers of 2 · `halfBits` bits.
    private func permuted(_ number: UInt64, key: UInt64) -> UInt64 {
        let mask = (1 << halfBits) - 1 as UInt64
        var left = number >> halfBits
        var right = number & mask
        for round in 1...UInt64(Self.rounds) {
            let roundKey = mixed(key &+ round &* goldenGamma)
            (left, right) = (right, left ^ (mixed(right ^ roundKey) & mask))
        }
        return left << halfBits | right
    }
}
