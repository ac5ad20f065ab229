import Kernels
import Testing

/// Blocks of 128 query rows are the unit of the kernel: lengths around it, and several of it.
@Suite struct AttentionTests {
    struct Heads: CustomTestStringConvertible, Sendable {
        let heads: Int
        let kvHeads: Int
        let headDim: Int
        var testDescription: String { "\(heads) heads, \(kvHeads) of keys, of \(headDim)" }
    }

    static let heads = [
        Heads(heads: 3, kvHeads: 3, headDim: 16), Heads(heads: 4, kvHeads: 2, headDim: 6),
        Heads(heads: 3, kvHeads: 1, headDim: 20),
    ]
    static let lengths = [1, 7, 127, 128, 129, 300]

    @Test(arguments: heads, lengths) func agreesWithTheDefinition(heads: Heads, length: Int) {
        check(NaiveAttention(heads, sequences: length > 200 ? 1 : 2, length: length))
    }

    @Test(arguments: lengths) func documentsDoNotSeeEachOther(length: Int) {
        var naive = NaiveAttention(Self.heads[1], sequences: 2, length: length)
        // Documents of 1, 2, 3... rows at first, then one that begins inside a block and ends in the next.
        let borders = [0, 1, 3, 6, 10, 90, 128, 131, 270]
        let first = (0..<length).map { row in Int32(borders.last { $0 <= row }!) }
        // The second sequence is one document that begins in the middle.
        let second = (0..<length).map { Int32($0 < length / 2 ? 0 : length / 2) }
        naive.documentStarts = first + second
        check(naive)
    }

    /// What comes before a document in its sequence does not change a bit of it.
    @Test func aDocumentAloneHasTheSameOutput() {
        var naive = NaiveAttention(Self.heads[0], sequences: 1, length: 140)
        naive.documentStarts = (0..<140).map { $0 < 130 ? 0 : 130 }
        let fused = Engine.randomFused(naive)
        let alone = NaiveAttention(Self.heads[0], sequences: 1, length: 10)
        let tail = Array(fused[(130 * naive.fusedWidth)...])
        let output = Engine(alone, tail).output.array
        #expect(largestDifference(output, Engine(naive, fused).output[(130 * 48)..<(140 * 48)].array.doubles) < 1e-6)
    }

    @Test func theNaiveGradientAgreesWithCentralDifferences() {
        var naive = NaiveAttention(Self.heads[1], sequences: 2, length: 5)
        naive.documentStarts = [0, 0, 0, 3, 3, 0, 1, 1, 1, 1]
        let fused = Engine.randomFused(naive).doubles
        let dOutput = randomFloats(naive.rows * naive.outputWidth, seed: 2).doubles
        let wanted = centralDifferences(at: fused) { dotProduct(naive.forward($0).output, dOutput) }
        #expect(zip(naive.backward(fused, dOutput), wanted).allSatisfy { abs($0 - $1) < 1e-8 })
    }

    @Test(arguments: [heads[0], heads[1]]) func threadsChangeNoBit(_ heads: Heads) {
        let naive = NaiveAttention(heads, sequences: 3, length: 140)
        let fused = Engine.randomFused(naive)
        let dOutput = randomFloats(naive.rows * naive.outputWidth, seed: 2)
        let alone = Engine(naive, fused)
        let gradient = alone.gradient(dOutput)
        for size in [2, 3] {
            let together = Engine(naive, fused, threads: size)
            #expect(together.output.array.bits == alone.output.array.bits)
            #expect(together.logSumExp.array.bits == alone.logSumExp.array.bits)
            #expect(together.gradient(dOutput).bits == gradient.bits)
        }
    }

    /// Scores of ±10⁴ leave one key with all the weight, and no infinity anywhere.
    @Test func extremeScoresStayFinite() {
        let naive = NaiveAttention(sequences: 1, length: 40, heads: 1, kvHeads: 1, headDim: 4)
        let fused = (0..<40).flatMap { row -> [Float] in
            let sign: Float = row % 2 == 0 ? 1 : -1
            return [Float](repeating: 100 * sign, count: 8) + [Float](repeating: Float(row), count: 4)
        }
        let engine = Engine(naive, fused)
        #expect(largestDifference(engine.output.array, naive.forward(fused.doubles).output) < 1e-4)
        let gradient = engine.gradient([Float](repeating: 1, count: 160))
        #expect(gradient.allSatisfy { $0.isFinite })
    }

    @Test(arguments: heads, [(0, 1), (0, 9), (1, 1), (130, 1), (130, 5), (5, 140)])
    func newRowsBehindACacheEqualTheLastRows(heads: Heads, counts: (cached: Int, new: Int)) {
        let naive = NaiveAttention(heads, sequences: 1, length: counts.cached + counts.new)
        let fused = Engine.randomFused(naive)
        let keyValueWidth = 2 * heads.kvHeads * heads.headDim
        let keyValues = (0..<naive.length).flatMap { row in
            fused[((row + 1) * naive.fusedWidth - keyValueWidth)..<((row + 1) * naive.fusedWidth)]
        }
        let shape = AttentionShape(
            newRows: counts.new, cachedRows: counts.cached, heads: heads.heads, kvHeads: heads.kvHeads,
            headDim: heads.headDim)
        let newRows = slice(Array(fused[(counts.cached * naive.fusedWidth)...]))
        let outputs = [1, 2].map { threads in
            let output = unset(counts.new * naive.outputWidth)
            let logSumExp = unset(counts.new * heads.heads)
            attentionForward(
                output: output, logSumExp: logSumExp, queries: newRows, keyValues: slice(keyValues), shape: shape,
                documentStarts: nil,
                scratch: unset(shape.scratchCount(teamSize: threads)), on: ThreadTeam(size: threads))
            return output.array
        }
        let wanted = naive.forward(fused.doubles).output[(counts.cached * naive.outputWidth)...]
        #expect(largestDifference(outputs[0], Array(wanted)) < 2e-6)
        #expect(outputs[1].bits == outputs[0].bits)
    }

    @Test func operandsThatDoNotFitAreRefused() async {
        await #expect(processExitsWith: .failure) {
            let shape = AttentionShape(sequences: 1, length: 4, heads: 2, kvHeads: 1, headDim: 2)
            let fused = FloatArena(count: 32).all
            attentionForward(
                output: FloatArena(count: 16).all, logSumExp: FloatArena(count: 8).all, queries: fused,
                keyValues: fused[shape.keyOffset..<32], shape: shape, documentStarts: nil,
                scratch: FloatArena(count: shape.scratchCount(teamSize: 1)).all, on: ThreadTeam(size: 2))
        }
    }

    /// Forward and backward against the naive ones.
    private func check(_ naive: NaiveAttention) {
        let fused = Engine.randomFused(naive)
        let engine = Engine(naive, fused, threads: 2)
        let wanted = naive.forward(fused.doubles)
        #expect(largestDifference(engine.output.array, wanted.output) < 2e-6)
        #expect(largestDifference(engine.logSumExp.array, wanted.logSumExp) < 2e-6)
        let dOutput = randomFloats(naive.rows * naive.outputWidth, seed: 2)
        let gradient = naive.backward(fused.doubles, dOutput.doubles)
        #expect(largestDifference(engine.gradient(dOutput), gradient) < 1e-5)
    }
}

extension NaiveAttention {
    init(_ heads: AttentionTests.Heads, sequences: Int, length: Int) {
        self.init(
            sequences: sequences, length: length, heads: heads.heads, kvHeads: heads.kvHeads, headDim: heads.headDim)
    }
}

/// The kernel on the operands of a naive attention, after its forward pass.
private struct Engine {
    let shape: AttentionShape
    let documentStarts: [Int32]?
    let team: ThreadTeam
    let fused: FloatSlice
    let output: FloatSlice
    let logSumExp: FloatSlice
    private let scratch: FloatSlice

    static func randomFused(_ naive: NaiveAttention) -> [Float] {
        randomFloats(naive.rows * naive.fusedWidth, seed: 1, in: -2...2)
    }

    init(_ naive: NaiveAttention, _ values: [Float], threads: Int = 1) {
        shape = AttentionShape(
            sequences: naive.sequences, length: naive.length, heads: naive.heads, kvHeads: naive.kvHeads,
            headDim: naive.headDim)
        documentStarts = naive.documentStarts
        team = ThreadTeam(size: threads)
        fused = slice(values)
        output = unset(naive.rows * naive.outputWidth)
        logSumExp = unset(naive.rows * naive.heads)
        scratch = unset(shape.scratchCount(teamSize: threads))
        attentionForward(
            output: output, logSumExp: logSumExp, queries: fused, keyValues: fused[shape.keyOffset..<fused.count],
            shape: shape, documentStarts: documentStarts, scratch: scratch, on: team)
    }

    func gradient(_ dOutput: [Float]) -> [Float] {
        let dFused = unset(fused.count)
        attentionBackward(
            dFused: dFused, dOutput: slice(dOutput), output: output, logSumExp: logSumExp, fused: fused, shape: shape,
            documentStarts: documentStarts, scratch: scratch, on: team)
        return dFused.array
    }
}
