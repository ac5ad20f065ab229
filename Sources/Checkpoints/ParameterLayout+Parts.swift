import LlamaModel

extension ParameterLayout {
    /// Calls `body` for each tensor that `elements` of the flat arena touch, in order.
    ///
    /// `part` are the elements of the tensor; `place` is where they go in a slice that holds just `elements`.
    func forEachPart(
        of elements: Range<Int>,
        _ body: (_ tensor: ParameterTensor, _ part: Range<Int>, _ place: Range<Int>) throws -> Void
    ) rethrows {
        precondition(
            elements.lowerBound >= 0 && elements.upperBound <= count, "elements \(elements) of \(count) parameters")
        for tensor in tensors where tensor.range.overlaps(elements) {
            let common = tensor.range.clamped(to: elements)
            let part = (common.lowerBound - tensor.range.lowerBound)..<(common.upperBound - tensor.range.lowerBound)
            let start = common.lowerBound - elements.lowerBound
            try body(tensor, part, start..<(start + part.count))
        }
    }
}

extension ParameterTensor {
    /// What is wrong with the stored tensor that is to fill this one, if anything.
    func mismatch(with stored: SafetensorsFile.Tensor?, named name: String) -> String? {
        guard let stored else { return "\(name) \(shape) is missing" }
        return stored.shape == shape ? nil : "\(name) has the shape \(stored.shape), but the model needs \(shape)"
    }
}
