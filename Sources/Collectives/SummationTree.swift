/// The one order in which things are added, whatever the number of ranks that share the work: a binary tree over `n`
/// summands that splits at the largest power of two below `n`, so ((0+1)+(2+3))+((4+5)+(6+7)) for eight.
///
/// IEEE addition commutes but does not associate: only a fixed tree gives the same bits everywhere. Aligned blocks of a
/// power of two of summands are subtrees, which is what lets lanes, ranks and nodes add up their own first.
public enum SummationTree {
    /// Where the tree over `range` (two summands or more) splits.
    public static func split(_ range: Range<Int>) -> Int {
        range.lowerBound + 1 << (Int.bitWidth - 1 - (range.count - 1).leadingZeroBitCount)
    }

    /// The sum over `range`, which must not be empty.
    public static func sum<Value>(
        _ range: Range<Int>, leaf: (Int) throws -> Value, add: (Value, Value) throws -> Value
    ) rethrows -> Value {
        if range.count == 1 { return try leaf(range.lowerBound) }
        let middle = split(range)
        let left = try sum(range.lowerBound..<middle, leaf: leaf, add: add)
        let right = try sum(middle..<range.upperBound, leaf: leaf, add: add)
        return try add(left, right)
    }

    /// The largest subtrees of the tree over `whole` that lie within `part`, in order: together they are `part`.
    public static func subtrees(within part: Range<Int>, of whole: Range<Int>) -> [Range<Int>] {
        if part.clamped(to: whole).isEmpty { return [] }
        if whole.clamped(to: part) == whole { return [whole] }
        let middle = split(whole)
        return subtrees(within: part, of: whole.lowerBound..<middle)
            + subtrees(within: part, of: middle..<whole.upperBound)
    }
}
