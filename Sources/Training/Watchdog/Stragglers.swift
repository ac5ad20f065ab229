import Collectives
import Foundation

/// Finds ranks that are steadily slower than the others, who wait for them in every step. Fed with what each rank tells of
/// itself in the step's own reduction.
package struct Stragglers {
    /// Steps that are looked back at; so many of them must agree, since single steps are disturbed.
    package static let window = 20
    /// Seconds. Shorter steps are taken together: how long they last is up to the kernel's time slices.
    private static let shortest = 0.05
    private static let agreeing = 18
    /// Of the median rank's time: from here on a rank is slow, and below here it keeps up again.
    private static let slow = 1.25
    private static let keepsUp = 1.1
    private static let reminder = 3600.0

    /// By rank.
    private let hosts: [String]
    /// Lanes of each rank: one with more of them has more to do.
    private let lanes: [Int]
    /// Each rank's seconds since the last look.
    private var gathered: [Double]
    /// Of the last steps: each rank's seconds for a lane.
    private var recent: [[Double]] = []
    /// Of the slow ranks: since when, and when it was said last.
    private var known: [Int: (since: Date, said: Date)] = [:]

    package init(hosts: [String], lanes: [Int]) {
        (self.hosts, self.lanes) = (hosts, lanes)
        gathered = hosts.map { _ in 0 }
    }

    /// - Parameter hosts: of the ranks that share `lanes`.
    init(hosts: [String], lanes: LaneAssignment) {
        self.init(hosts: hosts, lanes: hosts.indices.map { lanes.lanes(of: $0).count })
    }

    /// Takes in a step.
    /// - Parameter seconds: what each rank's own work took it.
    /// - Returns: what is worth saying.
    package mutating func observe(_ seconds: [Double], now: Date = Date()) -> [String] {
        guard hosts.count > 1 else { return [] }
        gathered = zip(gathered, seconds).map(+)
        guard gathered.contains(where: { $0 >= Self.shortest }) else { return [] }
        recent = Array((recent + [zip(gathered, lanes).map { $0 / Double($1) }]).suffix(Self.window))
        gathered = hosts.map { _ in 0 }
        guard recent.count == Self.window else { return [] }
        let medians = recent.map(Self.median)
        return hosts.indices.compactMap { rank in
            let ratios = zip(recent, medians).map { $0[rank] / max($1, 1e-9) }
            if let (since, said) = known[rank] {
                if ratios.count(where: { $0 < Self.keepsUp }) >= Self.agreeing {
                    known[rank] = nil
                    return "rank \(rank) on \(hosts[rank]) keeps up again"
                }
                guard now.timeIntervalSince(said) >= Self.reminder else { return nil }
                known[rank] = (since, now)
                return text(rank, ratios, since: since)
            }
            guard ratios.count(where: { $0 > Self.slow }) >= Self.agreeing else { return nil }
            known[rank] = (now, now)
            return text(rank, ratios, since: now)
        }
    }

    private func text(_ rank: Int, _ ratios: [Double], since: Date) -> String {
        let time = since.formatted(.iso8601.time(includingFractionalSeconds: false).timeSeparator(.colon))
        return "rank \(rank) on \(hosts[rank]) is slow since \(time): its part of a step takes "
            + "\(Self.median(ratios).text(1)) times as long as that of the median rank, and all wait for it. Does it share its "
            + "cores with another program (`top` on \(hosts[rank])), swap, or run at a lower clock?"
    }

    /// Of an even number the lower one: of two ranks, the faster is the measure.
    private static func median(_ values: [Double]) -> Double { values.sorted()[(values.count - 1) / 2] }
}
