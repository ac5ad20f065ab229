import Collectives
import Foundation

/// What `bench` measures. No data is needed: tokens are random.
public enum Benchmark: String, Sendable, CaseIterable {
    case gemm, reduce, step
}

/// What `bench` is asked.
public struct BenchOptions: Sendable {
    public var benchmark: Benchmark
    public var configFile: String?
    public var overrides: [String]

    public init(_ benchmark: Benchmark, configFile: String?, overrides: [String]) {
        self.benchmark = benchmark
        self.configFile = configFile
        self.overrides = overrides
    }

    /// Collective.
    public func run(_ communicator: any Communicator) throws -> BenchReport {
        let config = try RunConfig.loadTogether(file: configFile, overrides: overrides, communicator)
        switch benchmark {
        case .gemm: return BenchReport(try MatrixBenchmark(config, communicator).run())
        case .reduce: return BenchReport(try ReductionBenchmark(config, communicator).run())
        case .step: return BenchReport(try StepBenchmark(config, communicator).run())
        }
    }
}

/// What was measured, as a table and as JSON.
public struct BenchReport {
    public let table: String
    public let json: String

    init(_ report: some Encodable & CustomStringConvertible) {
        table = report.description
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        json = (try? encoder.encode(report)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
