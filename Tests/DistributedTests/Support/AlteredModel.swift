import Checkpoints
import Foundation

extension Workspace {
    /// A Hugging Face directory with the weights of the `gqa` fixture, in which some tensors have other elements.
    /// - Parameter changes: what an element becomes, given its index in the tensor and its value.
    /// - Returns: its path.
    func model(_ name: String, changing changes: [String: (_ index: Int, _ value: Float) -> Float]) throws -> String {
        let fixture = Repository.fixtures + "models/gqa/"
        try write(Data(contentsOf: URL(filePath: fixture + "config.json")), name + "/config.json")
        var content = try Data(contentsOf: URL(filePath: fixture + "model.safetensors"))
        let file = try SafetensorsFile(fixture + "model.safetensors")
        for (tensor, change) in changes {
            guard let place = file.tensors[tensor]?.byteRange else { throw NoSuchTensor(name: tensor) }
            for (index, value) in try file.floats(tensor).enumerated() {
                let start = place.lowerBound + 4 * index
                withUnsafeBytes(of: change(index, value)) { content.replaceSubrange(start..<(start + 4), with: $0) }
            }
        }
        try write(content, name + "/model.safetensors")
        return self(name)
    }
}

private struct NoSuchTensor: Error {
    let name: String
}
