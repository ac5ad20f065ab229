"""Loss terms and every gradient of a Hugging Face Llama directory in float64, as `jreg-dist grad` gives them.

python Tests/Reference/reference.py DIR TOKENS.json OUT.safetensors [--lambda F] [--kind K] [--from N] ...
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from llama import Llama
from objective import Objective, evaluate


def gradients(model: Llama, sequences: list[list[int]], objective: Objective) -> dict[str, torch.Tensor]:
    """`loss`, `loss.ce`, `loss.jreg`, `displacement` [L] and `grad.<HF name>`, rounded to float32 at the very end."""
    for weight in model.weights.values():
        weight.grad = None
    evaluation = evaluate(model, sequences, objective)
    evaluation.loss.backward()
    tensors = {
        "loss": evaluation.loss,
        "loss.ce": evaluation.ce,
        "loss.jreg": evaluation.jreg,
        "displacement": evaluation.displacement,
    }
    tensors |= {f"grad.{name}": weight.grad for name, weight in model.weights.items()}
    return {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lambda", dest="jreg_lambda", type=float, default=0.0)
    parser.add_argument("--kind", choices=["weighted", "final", "jump-rate"], default="weighted")
    parser.add_argument("--alpha", type=float, default=3.0)
    parser.add_argument("--from", dest="start", type=int)
    parser.add_argument("--z-loss", type=float, default=0.0)
    arguments = parser.parse_args()
    objective = Objective(arguments.jreg_lambda, arguments.kind, arguments.alpha, arguments.start, arguments.z_loss)
    sequences = json.loads(arguments.tokens.read_text())["tokens"]
    save_file(gradients(Llama.read(arguments.directory), sequences, objective), arguments.out)


if __name__ == "__main__":
    main()
