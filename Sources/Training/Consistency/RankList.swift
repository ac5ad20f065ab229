import Collectives

/// "ranks 2 to 5 on h2 and rank 9 on h3": some ranks in words, host by host.
func rankList(_ ranks: [Int], hosts: [String]) -> String {
    var groups: [(host: String, ranks: [Int])] = []
    for rank in ranks {
        if groups.last?.host == hosts[rank] {
            groups[groups.count - 1].ranks.append(rank)
        } else {
            groups.append((hosts[rank], [rank]))
        }
    }
    return groups.map { host, ranks in
        let isRun = ranks.count > 2 && ranks.last! - ranks[0] == ranks.count - 1
        let text = isRun ? "\(ranks[0]) to \(ranks.last!)" : ranks.map(String.init).joined(separator: ", ")
        return "rank\(ranks.count == 1 ? "" : "s") \(text) on \(host)"
    }.joined(separator: " and ")
}
