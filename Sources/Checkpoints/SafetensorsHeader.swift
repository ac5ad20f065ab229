/// The header of a safetensors file: which tensor lies where.
///
/// The format: eight bytes little-endian `N`; `N` bytes of JSON `{"name": {"dtype", "shape", "data_offsets": [begin, end]}}`;
/// then the tensors, row-major and little-endian, without holes or overlaps up to the end of the file.
/// See github.com/huggingface/safetensors, whose limits and refusals these are.
struct SafetensorsHeader {
    static let largest = 100_000_000

    /// In the order of their bytes.
    let tensors: [SafetensorsFile.Tensor]
    let metadata: [String: String]

    /// Reads and checks the header. Nothing that it claims is believed before it is held against the size of the file.
    init(of file: InputFile) throws {
        func damaged(_ problem: String) -> CheckpointError {
            CheckpointError(.damaged, "\(file.path) is not a sound safetensors file: \(problem)")
        }
        guard file.size >= 8 else { throw damaged("it has \(file.size) bytes, and 8 are the least") }
        let length = try file.bytes(8, at: 0).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= Self.largest, length <= file.size - 8 else {
            throw damaged(
                "it claims a header of \(length) bytes in a file of \(file.size) (the limit is \(Self.largest)); "
                    + "it may be cut short, or of another format")
        }
        let bytes = try file.bytes(Int(length), at: 8)
        guard bytes.first == UInt8(ascii: "{") else { throw damaged("its header does not begin with {") }
        let json = try JSONValue(parsing: bytes, source: "the header of \(file.path)")

        var tensors: [SafetensorsFile.Tensor] = []
        var metadata: [String: String] = [:]
        let dataStart = 8 + Int(length)
        for (name, entry) in json.object ?? [:] {
            if name == "__metadata__" {
                for (key, value) in entry.object ?? [:] { metadata[key] = value.string }
                guard let entries = entry.object, metadata.count == entries.count else {
                    throw damaged("__metadata__ must map strings to strings")
                }
            } else {
                tensors.append(try Self.tensor(name, entry, dataStart: dataStart, damaged))
            }
        }
        // Tensors of no elements may share an offset with others; their names then fix the order.
        tensors.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound, $0.name)
                < ($1.byteRange.lowerBound, $1.byteRange.upperBound, $1.name)
        }
        var end = dataStart
        for tensor in tensors {
            guard tensor.byteRange.lowerBound == end else {
                let fault =
                    tensor.byteRange.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
                throw damaged("\(tensor.name) \(fault)")
            }
            end = tensor.byteRange.upperBound
        }
        guard end == file.size else {
            throw damaged(
                "its header describes \(end) bytes, but it has \(file.size): "
                    + (end > file.size ? "it was cut short" : "something was appended"))
        }
        self.tensors = tensors
        self.metadata = metadata
    }

    private static func tensor(
        _ name: String, _ entry: JSONValue, dataStart: Int, _ damaged: (String) -> CheckpointError
    ) throws -> SafetensorsFile.Tensor {
        guard let dtypeName = entry["dtype"]?.string, let dtype = SafetensorsFile.DataType(rawValue: dtypeName) else {
            let found = entry["dtype"].map { $0.string ?? "no string" } ?? "missing"
            throw damaged("the dtype of \(name) is \(found), but must be one that the format names")
        }
        guard let dimensions = entry["shape"]?.array, case let shape = dimensions.compactMap(\.integer),
            shape.count == dimensions.count, shape.allSatisfy({ $0 >= 0 })
        else { throw damaged("the shape of \(name) must be a list of whole numbers, none negative") }
        guard let places = entry["data_offsets"]?.array, case let offsets = places.compactMap(\.integer),
            places.count == 2, offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1],
            case let (end, overflow) = offsets[1].addingReportingOverflow(dataStart), !overflow
        else { throw damaged("the data_offsets of \(name) must be two whole numbers, begin ≤ end") }

        guard let count = product(of: shape) else {
            throw damaged("the shape of \(name), \(shape), is too large to count")
        }
        let (bits, tooManyBits) = count.multipliedReportingOverflow(by: dtype.bits)
        guard !tooManyBits, bits % 8 == 0, bits / 8 == offsets[1] - offsets[0] else {
            throw damaged(
                "\(name) has \(offsets[1] - offsets[0]) bytes, which is not what \(dtype.rawValue) \(shape) takes")
        }
        return SafetensorsFile.Tensor(
            name: name, dtype: dtype, shape: shape, count: count, byteRange: (dataStart + offsets[0])..<end)
    }

    /// The number of elements of a shape (1 of `[]`), or nil where 64 bits do not hold it.
    private static func product(of shape: [Int]) -> Int? {
        if shape.contains(0) { return 0 }
        var product = 1
        for dimension in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            product = next
        }
        return product
    }
}
