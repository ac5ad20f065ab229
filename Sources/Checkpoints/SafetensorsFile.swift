import Kernels

#if _endian(big)
    #error("safetensors files are little-endian, and floats are read from them as they lie")
#endif

/// A safetensors file open for reading. Its header is checked when it is opened, its tensors are read in chunks.
public final class SafetensorsFile: Sendable {
    public let path: String
    /// In the order of their bytes.
    public let order: [Tensor]
    /// By name.
    public let tensors: [String: Tensor]
    public let metadata: [String: String]
    private let file: InputFile

    /// One tensor, row-major.
    public struct Tensor: Sendable, Equatable {
        public let name: String
        public let dtype: DataType
        /// Empty for a scalar.
        public let shape: [Int]
        /// The number of elements.
        public let count: Int
        /// Its place in the file.
        public let byteRange: Range<Int>
    }

    /// The element types that the format names.
    public enum DataType: String, Sendable, CaseIterable {
        case f64 = "F64"
        case f32 = "F32"
        case f16 = "F16"
        case bf16 = "BF16"
        case c64 = "C64"
        case i64 = "I64"
        case i32 = "I32"
        case i16 = "I16"
        case i8 = "I8"
        case u64 = "U64"
        case u32 = "U32"
        case u16 = "U16"
        case u8 = "U8"
        case bool = "BOOL"
        case f8e5m2 = "F8_E5M2"
        case f8e4m3 = "F8_E4M3"
        case f8e8m0 = "F8_E8M0"
        case f6e2m3 = "F6_E2M3"
        case f6e3m2 = "F6_E3M2"
        case f4 = "F4"

        /// Bits of one element.
        var bits: Int {
            switch self {
            case .f64, .i64, .u64, .c64: 64
            case .f32, .i32, .u32: 32
            case .f16, .bf16, .i16, .u16: 16
            case .i8, .u8, .bool, .f8e5m2, .f8e4m3, .f8e8m0: 8
            case .f6e2m3, .f6e3m2: 6
            case .f4: 4
            }
        }
    }

    /// Opens a file and checks its header.
    ///
    /// - Throws: `CheckpointError` when the file cannot be read, or is no sound safetensors file of exactly this size.
    public init(_ path: String) throws {
        file = try InputFile(path)
        let header = try SafetensorsHeader(of: file)
        self.path = path
        order = header.tensors
        tensors = Dictionary(uniqueKeysWithValues: header.tensors.map { ($0.name, $0) })
        metadata = header.metadata
    }

    /// Reads elements of a tensor (all by default, counted row-major) as floats.
    ///
    /// Takes F32 as it lies; widens F16 and BF16; rounds F64.
    /// - Throws: `CheckpointError` when there is no such tensor, it is of another type, or the file cannot be read.
    public func read(_ name: String, elements: Range<Int>? = nil, into target: FloatSlice) throws {
        let tensor = try tensor(name)
        let elements = elements ?? 0..<tensor.count
        precondition(
            elements.lowerBound >= 0 && elements.upperBound <= tensor.count && elements.count == target.count,
            "reading elements \(elements) of \(name), which has \(tensor.count), into \(target.count) floats")
        let start = tensor.byteRange.lowerBound
        switch tensor.dtype {
        case .f32:
            try target.withUnsafeMutableBytes {
                try file.read($0.count, at: start + elements.lowerBound * 4, into: $0.mutableBytes)
            }
        case .bf16:
            try convert(elements, from: start, into: target) { (stored: UInt16) in
                Float(bitPattern: UInt32(stored) << 16)
            }
        case .f16: try convert(elements, from: start, into: target) { (stored: Float16) in Float(stored) }
        case .f64: try convert(elements, from: start, into: target) { (stored: Double) in Float(stored) }
        default:
            throw CheckpointError(
                .unsupported, "\(name) in \(path) is of type \(tensor.dtype.rawValue); F32, BF16, F16 or F64 is wanted")
        }
    }

    /// All elements of a tensor as floats.
    public func floats(_ name: String) throws -> [Float] {
        let arena = FloatArena(count: try tensor(name).count)
        try read(name, into: arena.all)
        return arena.all.array
    }

    /// All elements of a tensor in full precision, if it is F64, or as `floats` has them.
    public func doubles(_ name: String) throws -> [Double] {
        let tensor = try tensor(name)
        guard tensor.dtype == .f64 else { return try floats(name).map(Double.init) }
        return try stored(0..<tensor.count, from: tensor.byteRange.lowerBound, zero: 0.0)
    }

    /// How many elements of a float tensor are infinite or no numbers, and the first of them.
    func nonFiniteElements(of tensor: Tensor) throws -> (count: Int, first: Int?) {
        var found: (count: Int, first: Int?) = (0, nil)
        let chunk = FloatArena(count: min(tensor.count, 1 << 20)).all
        for begin in stride(from: 0, to: tensor.count, by: max(chunk.count, 1)) {
            let part = chunk[0..<min(chunk.count, tensor.count - begin)]
            try read(tensor.name, elements: begin..<(begin + part.count), into: part)
            part.withUnsafeMutableBytes { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                // Counted without a branch first: nearly always there are none.
                let count = floats.reduce(0) { $0 &+ ($1.isFinite ? 0 : 1) }
                if count > 0, found.first == nil { found.first = begin + floats.firstIndex { !$0.isFinite }! }
                found.count += count
            }
        }
        return found
    }

    private func tensor(_ name: String) throws -> Tensor {
        guard let tensor = tensors[name] else {
            let some = order.prefix(3).map(\.name).joined(separator: ", ")
            throw CheckpointError(
                .unsupported, "\(path) has no tensor \(name); it has \(order.count), such as \(some)")
        }
        return tensor
    }

    /// Converts element by element, in chunks of 2^20, so that the memory used does not depend on the tensor.
    private func convert<Stored: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ elements: Range<Int>, from start: Int, into target: FloatSlice, _ conversion: (Stored) -> Float
    ) throws {
        var done = 0
        while done < elements.count {
            let count = min(elements.count - done, 1 << 20)
            let first = elements.lowerBound + done
            let chunk: [Stored] = try stored(first..<(first + count), from: start, zero: 0)
            target[done..<(done + count)].copy(from: chunk.map(conversion))
            done += count
        }
    }

    private func stored<Stored: BitwiseCopyable>(_ elements: Range<Int>, from start: Int, zero: Stored) throws
        -> [Stored]
    {
        var values = [Stored](repeating: zero, count: elements.count)
        try values.withUnsafeMutableBytes {
            let offset = start + elements.lowerBound * MemoryLayout<Stored>.stride
            try file.read($0.count, at: offset, into: $0.mutableBytes)
        }
        return values
    }
}
