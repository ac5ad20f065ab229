/// A view of `count` consecutive floats of an arena, checked when it is made and kept alive while it is used.
///
/// Views of one arena may overlap and all may write, as the named tensors of a parameter arena or the shards of the
/// ranks do. Kernels take views and are the only code that turns them into pointers.
@safe public struct FloatSlice: Sendable {
    public let arena: FloatArena
    public let offset: Int
    public let count: Int

    init(arena: FloatArena, offset: Int, count: Int) {
        self.arena = arena
        self.offset = offset
        self.count = count
    }

    /// The elements `range` of this view.
    public subscript(range: Range<Int>) -> FloatSlice {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= count,
            "elements \(range) of a view of \(count) floats")
        return FloatSlice(arena: arena, offset: offset + range.lowerBound, count: range.count)
    }

    /// Rows `range` of this view, read as a matrix with rows of `width`.
    public func rows(_ range: Range<Int>, width: Int) -> FloatSlice {
        self[(range.lowerBound * width)..<(range.upperBound * width)]
    }

    public subscript(index: Int) -> Float {
        get {
            precondition(index >= 0 && index < count, "element \(index) of a view of \(count) floats")
            return unsafe pointer[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < count, "element \(index) of a view of \(count) floats")
            unsafe pointer[index] = newValue
        }
    }

    /// Where the view begins. For `Kernels` and `Collectives` alone.
    @unsafe public var pointer: UnsafeMutablePointer<Float> { unsafe arena.base + offset }

    /// The bytes of the view, for reading and writing files.
    public func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result) rethrows
        -> Result
    {
        try unsafe body(UnsafeMutableRawBufferPointer(start: pointer, count: count * MemoryLayout<Float>.stride))
    }

    public func copy(from source: FloatSlice) {
        precondition(source.count == count, "copying \(source.count) floats into \(count)")
        unsafe pointer.update(from: source.pointer, count: count)
    }

    public func fill(_ value: Float) {
        unsafe pointer.update(repeating: value, count: count)
    }

    public func copy(from values: [Float]) {
        precondition(values.count == count, "copying \(values.count) floats into \(count)")
        unsafe values.withUnsafeBufferPointer { unsafe pointer.update(from: $0.baseAddress!, count: count) }
    }

    public var array: [Float] { unsafe Array(UnsafeBufferPointer(start: pointer, count: count)) }
}
