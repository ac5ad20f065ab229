import Kernels
import LlamaModel

/// One matrix product of a training step, [m, k] · [k, n], as the engine calls it.
struct ModelProduct {
    let name: String
    let m: Int
    let n: Int
    let k: Int
    var transposesLeft = false
    var transposesRight = false
    var accumulates = false

    var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

    /// Every linear layer of a block and the head for one microbatch: forward (y = x·Wᵀ), the input's gradient
    /// (dx = dy·W) and the weight's (dW += dyᵀ·x).
    static func all(of config: LlamaConfig, tokens: Int) -> [ModelProduct] {
        let (hidden, intermediate) = (config.hiddenSize, config.intermediateSize)
        let layers = [
            (name: "q·k·v", outputs: config.fusedWidth, inputs: hidden, rows: tokens),
            (name: "attention output", outputs: hidden, inputs: config.queryWidth, rows: tokens),
            (name: "gate·up", outputs: 2 * intermediate, inputs: hidden, rows: tokens),
            (name: "down", outputs: hidden, inputs: intermediate, rows: tokens),
            (
                name: "head", outputs: config.vocabSize, inputs: hidden,
                rows: min(tokens, ActivationPlan.headChunkTokens)
            ),
        ]
        return layers.flatMap { layer in
            [
                ModelProduct(
                    name: layer.name + ", forward", m: layer.rows, n: layer.outputs, k: layer.inputs,
                    transposesRight: true),
                ModelProduct(name: layer.name + ", input gradient", m: layer.rows, n: layer.inputs, k: layer.outputs),
                ModelProduct(
                    name: layer.name + ", weight gradient", m: layer.outputs, n: layer.inputs, k: layer.rows,
                    transposesLeft: true, accumulates: true),
            ]
        }
    }

    static let square = ModelProduct(name: "2048³", m: 2048, n: 2048, k: 2048)
}

/// The operands of a product, filled once, to run it by either implementation.
struct ProductOperands {
    private let a: Matrix
    private let b: Matrix
    private let c: Matrix
    private let product: ModelProduct

    init(_ product: ModelProduct) {
        func filled(_ rows: Int, _ columns: Int, transposed: Bool) -> Matrix {
            let slice = FloatArena(count: rows * columns).all
            slice.fill(0.01)
            return transposed ? slice.matrix(columns, rows).transposed : slice.matrix(rows, columns)
        }
        self.product = product
        a = filled(product.m, product.k, transposed: product.transposesLeft)
        b = filled(product.k, product.n, transposed: product.transposesRight)
        c = filled(product.m, product.n, transposed: false)
    }

    func multiply(on team: ThreadTeam) { Kernels.multiply(a, b, into: c, accumulate: product.accumulates, on: team) }

    func multiplyByOpenBLAS() { Kernels.multiplyByOpenBLAS(a, b, into: c, accumulate: product.accumulates) }
}
