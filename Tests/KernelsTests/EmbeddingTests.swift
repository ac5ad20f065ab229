import Kernels
import Testing

@Suite struct EmbeddingTests {
    @Test(arguments: [1, 16, 37]) func forwardCopiesTheRows(width: Int) {
        let table = randomFloats(5 * width, seed: 1)
        let output = unset(4 * width)
        embeddingForward(output: output, table: slice(table), tokens: [4, 0, 4, 2], width: width)
        let rows = (0..<5).map { Array(table[($0 * width)..<(($0 + 1) * width)]) }
        #expect(output.array == rows[4] + rows[0] + rows[4] + rows[2])
    }

    @Test(arguments: [1, 16, 37, 150]) func backwardAddsTheGradientsOfRepeatedTokens(width: Int) {
        let tokens: [Int32] = [3, 0, 3, 3, 1, 0, 3]
        let dOutput = randomFloats(tokens.count * width, seed: 2)
        let start = randomFloats(5 * width, seed: 3)
        var wanted = start.doubles
        for (row, token) in tokens.enumerated() {
            for column in 0..<width { wanted[Int(token) * width + column] += Double(dOutput[row * width + column]) }
        }
        let dTable = slice(start)
        embeddingBackward(
            dTable: dTable, dOutput: slice(dOutput), tokens: tokens, width: width, on: ThreadTeam(size: 1))
        #expect(largestDifference(dTable.array, wanted) < 1e-6)
        for size in [2, 3] {
            let other = slice(start)
            embeddingBackward(
                dTable: other, dOutput: slice(dOutput), tokens: tokens, width: width, on: ThreadTeam(size: size))
            #expect(other.array.bits == dTable.array.bits, "\(size) threads")
        }
    }

    @Test func tokensOutsideTheVocabularyAreRefused() async {
        await #expect(processExitsWith: .failure) {
            embeddingForward(output: FloatArena(count: 4).all, table: FloatArena(count: 20).all, tokens: [5], width: 4)
        }
        await #expect(processExitsWith: .failure) {
            embeddingForward(output: FloatArena(count: 4).all, table: FloatArena(count: 20).all, tokens: [-1], width: 4)
        }
    }

    @Test func gradientsOfTokensOutsideTheVocabularyAreRefused() async {
        await #expect(processExitsWith: .failure) {
            embeddingBackward(
                dTable: FloatArena(count: 20).all, dOutput: FloatArena(count: 4).all, tokens: [5], width: 4,
                on: ThreadTeam(size: 1))
        }
    }
}
