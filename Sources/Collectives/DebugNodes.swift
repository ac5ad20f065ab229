/// The setting `JREG_DEBUG_NODES`: cuts one machine into pretended nodes, so that the path across nodes runs (and is
/// tested) anywhere. Ranks of different pretended nodes share no memory and talk through MPI alone.
///
/// - `2`: two nodes of equal, contiguous blocks of ranks;
/// - `3,1`: blocks of these sizes;
/// - `2:cyclic`: ranks dealt out to two nodes in turn, as `mpirun --map-by node` places them.
public enum DebugNodes {
    /// The pretended node of every rank, in the launcher's numbering; all 0 without a setting.
    public static func nodes(setting: String?, worldSize: Int) throws -> [Int] {
        guard let setting, !setting.isEmpty else { return Array(repeating: 0, count: worldSize) }
        let cyclic = setting.hasSuffix(":cyclic")
        let text = cyclic ? setting.dropLast(":cyclic".count) : setting[...]
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard numbers.allSatisfy({ $0 > 0 }), !(cyclic && numbers.count > 1) else {
            throw CollectiveError.debugNodes(setting: setting, problem: "not a setting that is known")
        }
        if numbers.count > 1 {
            guard numbers.reduce(0, +) == worldSize else {
                throw CollectiveError.debugNodes(
                    setting: setting, problem: "the sizes do not add up to \(worldSize) ranks")
            }
            return numbers.enumerated().flatMap { Array(repeating: $0.offset, count: $0.element) }
        }
        let nodes = numbers[0]
        guard worldSize % nodes == 0 else {
            throw CollectiveError.debugNodes(
                setting: setting, problem: "\(worldSize) ranks cannot be cut into \(nodes) equal nodes")
        }
        return (0..<worldSize).map { cyclic ? $0 % nodes : $0 / (worldSize / nodes) }
    }
}
