import Glibc

/// cos and sin of the rotary angles, [positions, headDim/2] each: position p turns pair j by p·frequency[j].
/// Su et al., arXiv 2104.09864; pairs are (j, j + headDim/2), as Hugging Face stores the weights.
public struct RotaryTable: Sendable {
    public let positions: Int
    public let halfDim: Int
    let cosines: FloatSlice
    let sines: FloatSlice

    /// - Parameter frequencies: [headDim/2], radians per position.
    public init(frequencies: [Double], positions: Int) {
        self.positions = positions
        halfDim = frequencies.count
        let arena = FloatArena(count: 2 * positions * frequencies.count)
        cosines = arena.all[0..<(positions * frequencies.count)]
        sines = arena.all[(positions * frequencies.count)..<arena.count]
        for position in 0..<positions {
            for (pair, frequency) in frequencies.enumerated() {
                let angle = Double(position) * frequency
                cosines[position * halfDim + pair] = Float(cos(angle))
                sines[position * halfDim + pair] = Float(sin(angle))
            }
        }
    }
}

/// Turns the first `heads` heads of each row in place. x: [rows, stride], a head is 2·halfDim floats, heads lie side by
/// side at the start of a row; row t is at position `firstPosition + t mod sequenceLength`.
public func rotaryForward(
    _ x: FloatSlice, stride: Int, heads: Int, table: RotaryTable, sequenceLength: Int, firstPosition: Int = 0,
    on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.elementwise) }
    rotate(x, stride, heads, table, sequenceLength, firstPosition, direction: 1, on: team)
}

/// The gradient of `rotaryForward`, in place: a rotation's transpose turns back.
public func rotaryBackward(
    _ dx: FloatSlice, stride: Int, heads: Int, table: RotaryTable, sequenceLength: Int, on team: ThreadTeam
) {
    team.timeline.begin()
    defer { team.timeline.end(.elementwise) }
    rotate(dx, stride, heads, table, sequenceLength, 0, direction: -1, on: team)
}

private func rotate(
    _ x: FloatSlice, _ stride: Int, _ heads: Int, _ table: RotaryTable, _ sequenceLength: Int, _ firstPosition: Int,
    direction: Float, on team: ThreadTeam
) {
    let half = table.halfDim
    precondition(x.count % stride == 0 && heads * 2 * half <= stride, "\(heads) heads do not fit in rows of \(stride)")
    precondition(
        firstPosition + sequenceLength <= table.positions,
        "position \(firstPosition + sequenceLength) of a rotary table of \(table.positions)")
    let rows = x.count / stride
    let (x, cosines, sines) = (x.pointer, table.cosines.pointer, table.sines.pointer)
    team.forEachRange(of: rows, minimum: 32) { range in
        for row in range {
            let position = firstPosition + row % sequenceLength
            let (cosine, sine) = (cosines + position * half, sines + position * half)
            for head in 0..<heads {
                let first = x + row * stride + head * 2 * half
                let second = first + half
                var j = 0
                while j < half.wholeLanes {
                    let (a, b, c, s) = (first.lanes(j), second.lanes(j), cosine.lanes(j), sine.lanes(j) * direction)
                    first.store(a * c - b * s, at: j)
                    second.store(b * c + a * s, at: j)
                    j += 16
                }
                while j < half {
                    let (a, b, c, s) = (first[j], second[j], cosine[j], sine[j] * direction)
                    first[j] = a * c - b * s
                    second[j] = b * c + a * s
                    j += 1
                }
            }
        }
    }
}
