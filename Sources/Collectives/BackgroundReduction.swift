import Dispatch
import Foundation
import Kernels

/// Sends and adds gradients between nodes while the backward pass still computes others: a thread of its own takes the
/// blocks of this rank's shard from the last to the first, each group as soon as all ranks of the node have completed it.
///
/// Groups are the same on all nodes, whenever their blocks are ready, so the peers always exchange the same ones; and
/// sums are taken in the same order as without a thread, so no bit depends on it.
final class BackgroundReduction: @unchecked Sendable {
    private let progress: GradientProgress
    /// From the last group to the first.
    private let groups: [(blocks: Range<Int>, first: Int)]
    private let queue = DispatchQueue(label: "reduction between nodes", qos: .userInitiated)
    private var step = 0
    private var isRunning = false
    private var failure: (any Error)?

    /// - Parameters:
    ///   - blocks: those of this rank's shard; empty for a rank that only shows its progress.
    ///   - groupSize: in blocks.
    init(progress: GradientProgress, blocks: Range<Int>, groupSize: Int) {
        self.progress = progress
        groups = stride(from: blocks.upperBound, to: blocks.lowerBound, by: -groupSize).map { end in
            let group = max(blocks.lowerBound, end - groupSize)..<end
            return (group, group.lowerBound * ShardLayout.blockSize)
        }
    }

    /// Lets the thread begin with the gradients of a new step; `reduce` is called on it for each group.
    func start(_ reduce: @escaping (Range<Int>) throws -> Void) {
        precondition(!isRunning, "the reduction of the step before has not ended")
        isRunning = true
        step += 1
        failure = nil
        nonisolated(unsafe) let reduce = reduce
        queue.async { [self] in
            do {
                for group in groups {
                    // Nothing waits for this thread until the backward pass has ended: it can sleep long.
                    while !progress.isComplete(from: group.first, step: step) { usleep(200) }
                    try reduce(group.blocks)
                }
            } catch {
                failure = error
            }
        }
    }

    /// This rank's gradients are complete from float `first` on.
    func finished(from first: Int) { progress.set(first, step: step) }

    /// Waits until all groups are reduced. False if `start` was not called in this step.
    func wait() throws -> Bool {
        guard isRunning else { return false }
        Vitals.waiting { queue.sync {} }
        isRunning = false
        if let failure { throw failure }
        return true
    }
}
