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
    /// How long each product, or all steps together, are measured; nil: as long as a steady figure takes.
    public var seconds: Double?

    public init(_ benchmark: Benchmark, configFile: String?, overrides: [String], seconds: Double? = nil) {
        self.seconds = seconds
        self.benchmark = benchmark
        self.configFile = configFile
        self.overrides = overrides
    }

    /// Collective.
    public func run(_ communicator: any Communicator) throws -> BenchReport {
        let config = try RunConfig.loadTogether(file: configFile, overrides: overrides, communicator)
        switch benchmark {
        case .gemm: return BenchReport(try MatrixBenchmark(config, communicator, seconds: seconds ?? 0.5).run())
        case .reduce: return BenchReport(try ReductionBenchmark(config, communicator).run())
        case .step: return BenchReport(try StepBenchmark(config, communicator, seconds: seconds ?? 10).run())
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
