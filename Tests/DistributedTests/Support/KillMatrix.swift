import Foundation
import Testing

/// A run that is killed again and again, each time by another hand, in another phase, and taken up by another number of
/// ranks; and what came of it.
struct KillMatrix {
    /// Who gets the SIGKILL.
    enum Victim: String, CaseIterable {
        case oneRank = "one rank"
        case allRanks = "all ranks"
        case mpirun
    }

    /// What the kill waits for.
    enum Aim: String, CaseIterable {
        case anywhere, starting, writing, completing, deleting, evaluating

        /// Those that are waited for.
        fileprivate var phases: [String] {
            switch self {
            case .anywhere, .starting: []
            case .writing: [RunState.writing]
            case .completing: [RunState.completing]
            case .deleting: [RunState.deleting]
            case .evaluating: [RunState.evaluating]
            }
        }
    }

    struct Kill {
        let victim: Victim
        let ranks: Int
        /// What the run was doing, as the disk and the kernel told just before.
        let phase: String
        /// Ranks that were still there ten seconds later.
        let orphans: Int
        /// Whether mpirun stayed when all ranks were gone, as Open MPI 4.1 may do when one is killed while it starts.
        let leftLauncher: Bool
        /// Checkpoints that were complete when the signal was sent, and newer than the one that the next start took.
        var lost = 0
    }

    let workspace: Workspace
    private(set) var kills: [Kill] = []
    private var random: SeededGenerator

    init(seed: UInt64) throws {
        workspace = try Workspace()
        random = SeededGenerator(state: seed)
    }

    static let starting = "starting"
    /// What a run prints after a step.
    private static var stepLine: Regex<Substring> { /step [0-9]+\// }
    private static let worldSizes = [1, 2, 4, 8]

    /// A constant learning rate: the run may end at any step.
    private static func settings(steps: Int) -> [String] {
        [
            "run.steps=\(steps)", "run.checkpoint_every=2", "run.keep_checkpoints=2", "run.evaluate_every=3",
            "run.log_every=1", "optimizer.schedule=constant",
        ]
    }

    /// Starts the run or takes it up, kills it `count` times, and lets it end: a record of it.
    mutating func run(kills count: Int) async throws -> (killed: RunRecord, undisturbed: RunRecord) {
        var newestAtKill = 0
        for number in 0..<count {
            let ranks = Self.worldSizes[number % 4]
            let program = try Launch(ranks: ranks, environment: workspace.leftoversOfMPI)
                .start(workspace.trainArguments(Self.settings(steps: 1_000_000)))
            let found = try await kill(program, ranks: ranks)
            note(start: program.errors, newestAtKill)
            kills.append(found.kill)
            newestAtKill = found.newest
        }
        let last = Self.settings(steps: Metrics.lastStep(workspace("run")) + 4)
        let outcome = try await workspace.train(last, on: .ranks(8)).expectSuccess()
        note(start: outcome.errors, newestAtKill)
        #expect(try checkpoints(workspace("run")).count == 2)
        #expect(!workspace.names("run").contains { $0.contains("tmp") || $0.hasSuffix(".lock") })
        try await workspace.train(last, out: "undisturbed", on: .ranks(2)).expectSuccess()
        return try (RunRecord(workspace("run")), RunRecord(workspace("undisturbed")))
    }

    /// Counts a checkpoint as lost when a start took an older one than the newest that was complete before, or none.
    private mutating func note(start errors: String, _ newest: Int) {
        // One that was killed before its banner says nothing.
        guard !kills.isEmpty, let start = errors.firstMatch(of: /start {5}(fresh|step ([0-9]+), from)/) else { return }
        let taken = start.2.flatMap { Int($0) } ?? 0
        guard taken < newest else { return }
        kills[kills.count - 1].lost += 1
        let reasons = errors.split(separator: "\n").filter { $0.contains("skipped a checkpoint") }
        print("kill matrix: step \(newest) was complete, but the start took \(taken): \(reasons), \(kills.last!)")
    }

    // MARK: - One kill

    private mutating func kill(_ program: RunningProgram, ranks: Int) async throws -> (kill: Kill, newest: Int) {
        let drawn = Victim.allCases.randomElement(using: &random)!
        // Computing and reducing are what a run does most of the time.
        let aim = (Aim.allCases + [.anywhere, .anywhere, .anywhere]).randomElement(using: &random)!
        if aim == .starting {
            usleep(UInt32.random(in: 0..<700_000, using: &random))
        } else {
            try await program.wait(within: .seconds(60)) { program.errors.contains(Self.stepLine) }
        }
        // Listed before the moment that is waited for, which is soon over.
        let processes = program.processes
        let running = ProcessTree.running(Repository.program, among: processes)
        let chosen = running.randomElement(using: &random)
        let state = wait(for: aim)
        // Before its first step, what lies unfinished on the disk is of the run before.
        let isStarting = !program.errors.contains(Self.stepLine)
        let phase = isStarting ? Self.starting : state.phase ?? Self.phase(of: chosen)
        // A kill that comes before mpirun has started a rank finds none.
        let victim = running.isEmpty ? .mpirun : drawn
        switch victim {
        case .oneRank: if let chosen { _ = Foundation.kill(chosen, SIGKILL) }
        case .allRanks: for process in running { _ = Foundation.kill(process, SIGKILL) }
        case .mpirun: _ = Foundation.kill(processes[0], SIGKILL)
        }
        // Found by what they work on: their parent is gone, and some may have been started after the list was made.
        let end = ContinuousClock.now + .seconds(10)
        while !ProcessTree.running(Repository.program, on: workspace.path).isEmpty && ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(20))
        }
        let orphans = ProcessTree.running(Repository.program, on: workspace.path)
        for process in orphans { _ = Foundation.kill(process, SIGKILL) }
        let lastLook = ContinuousClock.now + .seconds(10)
        while program.isRunning && ContinuousClock.now < lastLook { try await Task.sleep(for: .milliseconds(20)) }
        let leftLauncher = program.isRunning
        if leftLauncher { program.kill() }
        _ = try await program.end(within: .seconds(120))
        let found = Kill(
            victim: victim, ranks: ranks, phase: phase, orphans: orphans.count, leftLauncher: leftLauncher)
        return (found, state.newest)
    }

    /// Waits until the run does what is aimed at, or a few seconds, and says how it stands then.
    private mutating func wait(for aim: Aim) -> RunState {
        if aim == .anywhere { usleep(UInt32.random(in: 0..<150_000, using: &random)) }
        let end = ContinuousClock.now + .seconds(4)
        while true {
            let state = RunState(workspace("run"))
            let isMet = state.phase.map(aim.phases.contains) == true
            if aim.phases.isEmpty || isMet || ContinuousClock.now > end { return state }
            usleep(50)
        }
    }

    /// What a rank is doing whose run has nothing unfinished on the disk: the kernel knows whether it runs or waits.
    private static func phase(of rank: Int32?) -> String {
        guard let rank else { return starting }
        let status = (try? String(contentsOfFile: "/proc/\(rank)/stat", encoding: .utf8)) ?? ""
        let state = status.split(separator: ")").last?.split(separator: " ").first
        return state == "R" ? "computing (forward, backward)" : "waiting (reduce)"
    }

    // MARK: - Result

    /// A line for each thing counted.
    static func summary(_ kills: [Kill]) -> String {
        func counts(_ title: String, _ key: (Kill) -> String) -> String {
            let groups = Dictionary(grouping: kills, by: key).mapValues(\.count).sorted { $0.key < $1.key }
            return title + groups.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        return [
            "\(kills.count) kills; \(kills.reduce(0) { $0 + $1.orphans }) orphans, "
                + "\(kills.reduce(0) { $0 + $1.lost }) lost checkpoints; mpirun stayed \(kills.count(where: \.leftLauncher)) times",
            counts("killed: ") { $0.victim.rawValue }, counts("phase:  ") { $0.phase },
            counts("ranks:  ") { "\($0.ranks):" },
        ].joined(separator: "\n")
    }
}

/// What the output directory of a run shows of its state at one moment.
struct RunState {
    static let writing = "writing a checkpoint"
    static let completing = "completing a checkpoint"
    static let deleting = "deleting a checkpoint"
    static let evaluating = "evaluating"

    /// Nil where nothing is unfinished.
    let phase: String?
    /// The step of the newest complete checkpoint, or 0.
    let newest: Int

    init(_ directory: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let steps = names.compactMap { name in
            name.wholeMatch(of: /step-([0-9]+)/).flatMap { Int($0.1) }.map { (step: $0, name: name) }
        }
        let complete = steps.filter { Self.isMarked(directory + "/" + $0.name) }.map(\.step)
        newest = complete.max() ?? 0
        let unfinished = steps.map(\.step).filter { !complete.contains($0) }
        if names.contains(where: { $0.contains(".tmp-") }) {
            phase = Self.writing
        } else if let step = unfinished.first {
            phase = step > newest ? Self.completing : Self.deleting
        } else {
            phase = Self.isEvaluating(directory) ? Self.evaluating : nil
        }
    }

    /// A marker that is there has its bytes a moment later.
    private static func isMarked(_ checkpoint: String) -> Bool {
        var status = stat()
        return stat(checkpoint + "/COMPLETE", &status) == 0 && status.st_size > 0
    }

    /// The last line of the log is of a step after which an evaluation is due.
    private static func isEvaluating(_ directory: String) -> Bool {
        guard let file = FileHandle(forReadingAtPath: directory + "/metrics.jsonl") else { return false }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size > 4000 ? size - 4000 : 0)
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        guard let line = text.split(separator: "\n").last, !line.contains("\"evaluation\"") else { return false }
        let step = line.firstMatch(of: /"step":([0-9]+)/).flatMap { Int($0.1) }
        return step.map { $0 % 3 == 0 } ?? false
    }
}

/// splitmix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
