// swift-tools-version: 6.2
import Foundation
import PackageDescription

// MARK: - Flags, each with its reason

/// The x86-64 level the binary is built for: `JREG_CPU` as `Launch/build --cpu` sets it, else the best one of this machine.
/// The same name is compiled into `CPlatform`, which refuses to start on a CPU without it instead of dying with SIGILL.
let instructionSet: String = {
    if let named = ProcessInfo.processInfo.environment["JREG_CPU"], named != "native" { return named }
    let flags = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let firstCore = Set((flags.split(separator: "\n").first { $0.hasPrefix("flags") } ?? "").split(separator: " "))
    if firstCore.isSuperset(of: ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]) { return "x86-64-v4" }
    if firstCore.isSuperset(of: ["avx2", "bmi2", "fma", "f16c"]) { return "x86-64-v3" }
    return "baseline"
}()

let retarget = instructionSet == "baseline" ? [] : ["-Xcc", "-march=\(instructionSet)"]

let swiftFlags: [SwiftSetting] = [
    // -march: without it a SIMD16 fused multiply-add becomes 16 calls of fmaf (70 times slower).
    // -fno-math-errno: without it squareRoot() calls sqrtf to set errno (AdamW 5.6 times slower); values do not change.
    .unsafeFlags(retarget + ["-Xcc", "-fno-math-errno"])
]

/// Kernels are optimised in debug builds too: unoptimised SIMD is a thousand times slower and no test would end.
let kernelFlags: [SwiftSetting] =
    swiftFlags + [.unsafeFlags(["-O"], .when(configuration: .debug))]
    // Swift has no condition for the instruction set; the register tiles of products are shaped by it.
    + (instructionSet == "x86-64-v4" ? [.define("AVX512")] : [])

/// Everything between the kernels and the executable is free of pointers, and the compiler sees to it.
let pointerFree: [SwiftSetting] =
    swiftFlags + [.strictMemorySafety(), .treatWarning("StrictMemorySafety", as: .error)]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let realModule: Target.Dependency = .product(name: "RealModule", package: "swift-numerics")

let package = Package(
    name: "jreg-dist",
    products: [.executable(name: "jreg-dist", targets: ["JregDist"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // MARK: - C libraries and the shims over them
        .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "CSentencePieceLibrary", pkgConfig: "sentencepiece", providers: [.apt(["libsentencepiece-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .target(name: "CSIMD"),
        .target(name: "CMPI", dependencies: ["COpenMPI", "CPlatform"]),
        .target(name: "CSentencePiece", dependencies: ["CSentencePieceLibrary"]),
        // No -march here: this is the code that says that the CPU is too old for the rest.
        .target(name: "CPlatform", cSettings: [.define("JREG_INSTRUCTION_SET", to: "\"\(instructionSet)\"")]),

        // MARK: - The way of the data, upwards
        .target(
            name: "Kernels", dependencies: ["COpenBLAS", "CPlatform", "CSIMD"], swiftSettings: kernelFlags),
        .target(name: "LlamaModel", dependencies: ["Kernels"], swiftSettings: pointerFree),
        .target(name: "Objectives", dependencies: ["Kernels", "LlamaModel"], swiftSettings: pointerFree),
        .target(
            name: "Collectives", dependencies: ["CMPI", "CPlatform", "CSIMD", "Kernels"], swiftSettings: kernelFlags),
        .target(name: "Optimization", dependencies: ["Kernels", realModule], swiftSettings: pointerFree),
        .target(name: "FileSafety", dependencies: ["CXXHash"], swiftSettings: pointerFree),
        .target(
            name: "Corpus", dependencies: ["FileSafety", "CPlatform", "CSentencePiece", "CZlib"],
            swiftSettings: swiftFlags),
        .target(
            name: "Checkpoints", dependencies: ["FileSafety", "Kernels", "LlamaModel"],
            swiftSettings: swiftFlags),
        .target(
            name: "Evaluation", dependencies: ["Kernels", "LlamaModel", "Objectives", "Collectives", "Corpus"],
            swiftSettings: pointerFree),
        .target(
            name: "Training",
            dependencies: [
                "CPlatform", "FileSafety", "Kernels", "LlamaModel", "Objectives", "Collectives", "Optimization",
                "Corpus",
                "Checkpoints",
                "Evaluation", logging, "Yams",
            ], swiftSettings: pointerFree),
        .executableTarget(
            name: "JregDist", dependencies: ["Corpus", "Kernels", "LlamaModel", "Training", argumentParser],
            swiftSettings: swiftFlags + [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]),

        // MARK: - Tests, one target per source target
        .testTarget(name: "KernelsTests", dependencies: ["Kernels"], swiftSettings: swiftFlags),
        .testTarget(name: "LlamaModelTests", dependencies: ["LlamaModel"], swiftSettings: swiftFlags),
        .testTarget(name: "ObjectivesTests", dependencies: ["Objectives"], swiftSettings: swiftFlags),
        .testTarget(
            name: "CollectivesTests", dependencies: ["Collectives", "CollectivesProbe"], swiftSettings: swiftFlags),
        // What CollectivesTests starts under mpirun.
        .executableTarget(
            name: "CollectivesProbe", dependencies: ["Collectives", "Kernels"], path: "Tests/CollectivesProbe",
            swiftSettings: swiftFlags),
        .testTarget(name: "OptimizationTests", dependencies: ["Optimization"], swiftSettings: swiftFlags),
        .testTarget(name: "FileSafetyTests", dependencies: ["FileSafety"], swiftSettings: swiftFlags),
        .testTarget(name: "CorpusTests", dependencies: ["Corpus"], swiftSettings: swiftFlags),
        .testTarget(
            name: "CheckpointsTests", dependencies: ["Checkpoints", "CheckpointsProbe", "Kernels", "LlamaModel"],
            swiftSettings: swiftFlags),
        // What CheckpointsTests kills while it saves.
        .executableTarget(
            name: "CheckpointsProbe", dependencies: ["Checkpoints", "Kernels", "LlamaModel"],
            path: "Tests/CheckpointsProbe", swiftSettings: swiftFlags),
        .testTarget(
            name: "EvaluationTests",
            dependencies: ["Evaluation", "Collectives", "Corpus", "Kernels", "LlamaModel", "Objectives"],
            swiftSettings: swiftFlags),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["Training", "Checkpoints", "Collectives", "Corpus", "LlamaModel", "Yams"],
            swiftSettings: swiftFlags),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzProbe", "FuzzReaders"], swiftSettings: swiftFlags),
        // What FuzzTests and Launch/fuzz feed with damaged files.
        .target(
            name: "FuzzReaders", dependencies: ["Checkpoints", "Corpus", "CZlib", "Kernels", "LlamaModel", "Training"],
            path: "Tests/Fuzz/Readers", swiftSettings: swiftFlags),
        .executableTarget(
            name: "FuzzProbe", dependencies: ["CLibFuzzer", "FuzzReaders"], path: "Tests/Fuzz/Probe",
            swiftSettings: swiftFlags),
        .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        .testTarget(
            name: "DistributedTests",
            dependencies: ["JregDist", "Training", "Checkpoints", "Evaluation", "Kernels", "LlamaModel"],
            swiftSettings: swiftFlags),
    ]
)
