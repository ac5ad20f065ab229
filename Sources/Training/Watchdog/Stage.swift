import Kernels

/// Where a rank is in its work, as it shows it to the watchdogs.
package enum Stage: UInt8 {
    case starting
    case data
    case weights
    case forward
    case head
    case backward
    case reduce
    case update
    case log
    case evaluation
    case writer
    case checkpoint
    case comparison
    case ending

    /// Shows that this rank begins with it.
    func begin() { Vitals.enter(rawValue) }

    /// In words that complete "rank 2 is …".
    package var description: String {
        switch self {
        case .starting: "starting"
        case .data: "reading the data"
        case .weights: "filling the weights"
        case .forward: "in the forward pass"
        case .head: "in the head and its loss"
        case .backward: "in the backward pass"
        case .reduce: "summing gradients"
        case .update: "updating the weights"
        case .log: "writing the log"
        case .evaluation: "evaluating"
        case .writer: "waiting for the disk to take the checkpoint before"
        case .checkpoint: "saving a checkpoint"
        case .comparison: "comparing its weights with those of other nodes"
        case .ending: "ending"
        }
    }
}
