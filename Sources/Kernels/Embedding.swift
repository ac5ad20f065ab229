/// output[t] = table[tokens[t]]. output: [tokens.count, width]; table: [vocabulary, width].
public func embeddingForward(output: FloatSlice, table: FloatSlice, tokens: [Int32], width: Int) {
    precondition(output.count == tokens.count * width, "embedding of \(tokens.count) tokens")
    let (y, table, vocabulary) = (output.pointer, table.pointer, table.count / width)
    for (row, token) in tokens.enumerated() {
        precondition(token >= 0 && token < vocabulary, "token \(token) of a vocabulary of \(vocabulary)")
        (y + row * width).update(from: table + Int(token) * width, count: width)
    }
}

/// dTable[tokens[t]] += dOutput[t], in the order of the tokens whatever the number of threads (they share the columns).
public func embeddingBackward(
    dTable: FloatSlice, dOutput: FloatSlice, tokens: [Int32], width: Int, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.elementwise) }
    precondition(dOutput.count == tokens.count * width, "embedding gradient of \(tokens.count) tokens")
    let vocabulary = dTable.count / width
    precondition(tokens.allSatisfy { $0 >= 0 && $0 < vocabulary }, "a token outside the vocabulary of \(vocabulary)")
    let (dy, dTable) = (dOutput.pointer, dTable.pointer)
    team.forEachRange(of: width, unit: 16, minimum: 64) { columns in
        for (row, token) in tokens.enumerated() {
            let (source, target) = (dy + row * width, dTable + Int(token) * width)
            var j = columns.lowerBound
            while j + 16 <= columns.upperBound {
                target.store(target.lanes(j) + source.lanes(j), at: j)
                j += 16
            }
            while j < columns.upperBound {
                target[j] += source[j]
                j += 1
            }
        }
    }
}
