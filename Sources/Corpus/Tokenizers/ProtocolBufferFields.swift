/// The fields of one protocol buffer message, by number; nested messages stay bytes until asked for.
///
/// What protocol buffers allow and no SentencePiece model has is refused (groups, a field in two wire types): another reader
/// might take something else for its value.
/// Source: https://protobuf.dev/programming-guides/encoding.
struct ProtocolBufferFields {
    /// Numbers, booleans and the bits of fixed-width numbers.
    private var numbers: [UInt64: UInt64] = [:]
    private var messages: [UInt64: [ArraySlice<UInt8>]] = [:]
    private var wireTypes: [UInt64: UInt64] = [:]

    /// `nil`: the bytes are no message.
    init?(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest), tag >> 3 != 0, tag <= UInt32.max else { return nil }
            guard wireTypes.updateValue(tag & 7, forKey: tag >> 3) ?? (tag & 7) == tag & 7 else { return nil }
            switch tag & 7 {
            case 0:
                guard let value = Self.varint(&rest) else { return nil }
                numbers[tag >> 3] = value
            case 1, 5:
                let width = tag & 7 == 1 ? 8 : 4
                guard rest.count >= width else { return nil }
                numbers[tag >> 3] = rest.prefix(width).reversed().reduce(0) { $0 << 8 | UInt64($1) }
                rest = rest.dropFirst(width)
            case 2:
                guard let length = Self.varint(&rest), length <= UInt64(rest.count) else { return nil }
                messages[tag >> 3, default: []].append(rest.prefix(Int(length)))
                rest = rest.dropFirst(Int(length))
            default:
                return nil
            }
        }
    }

    /// The last value of a field, as the format has it when a field repeats.
    func number(_ field: UInt64) -> UInt64? { numbers[field] }

    func float(_ field: UInt64) -> Float? {
        numbers[field].map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }

    func bytes(_ field: UInt64) -> ArraySlice<UInt8>? { messages[field]?.last }

    /// All values of a repeated field.
    func allBytes(_ field: UInt64) -> [ArraySlice<UInt8>] { messages[field] ?? [] }

    func message(_ field: UInt64) -> ProtocolBufferFields? { bytes(field).flatMap { ProtocolBufferFields($0) } }

    /// Seven bits a byte, the lowest first, at most ten bytes.
    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
