"""A plain training loop in float64: AdamW as `torch.optim.AdamW`, global-norm clipping, warm-up and cosine."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from llama import Llama
from objective import Objective, evaluate, jump_rate


@dataclass(frozen=True)
class Plan:
    """Everything of the run that is not the model or the objective."""

    steps: int = 20
    sequence_length: int = 32
    global_batch_size: int = 8
    learning_rate: float = 3e-3
    min_learning_rate: float = 3e-4
    warmup_steps: int = 5
    betas: tuple[float, float] = (0.9, 0.95)
    epsilon: float = 1e-8
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0

    def learning_rate_at(self, step: int) -> float:
        """Of step 1, 2, ...: linear to the peak at `warmup_steps`, then half a cosine to the minimum at `steps`."""
        if step <= self.warmup_steps:
            return self.learning_rate * step / self.warmup_steps
        progress = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        span = self.learning_rate - self.min_learning_rate
        return self.min_learning_rate + 0.5 * span * (1 + math.cos(math.pi * progress))


def write_shard(path: Path, tokens: numpy.ndarray) -> None:
    """llm.c's token file, version 1: 256 int32 (magic, version, count, zeros), then uint16 ids."""
    header = numpy.zeros(256, dtype="<i4")
    header[:3] = 20240520, 1, len(tokens)
    path.write_bytes(header.tobytes() + tokens.astype("<u2").tobytes())


def window(tokens: numpy.ndarray, sample: int, length: int) -> list[int]:
    """Sample `sample` of the unshuffled order: `length` ids and the one after them; a new epoch starts at the front."""
    count = (len(tokens) - 1) // length
    start = sample % count * length
    return tokens[start : start + length + 1].tolist()


def train(model: Llama, tokens: numpy.ndarray, plan: Plan, objective: Objective) -> list[dict]:
    """The run, step by step: every number is taken before the update, `grad_norm` before clipping."""
    weights = model.weights.values()
    optimizer = torch.optim.AdamW(
        [
            {"params": [w for w in weights if w.dim() > 1], "weight_decay": plan.weight_decay},
            {"params": [w for w in weights if w.dim() == 1], "weight_decay": 0.0},
        ],
        betas=plan.betas,
        eps=plan.epsilon,
        foreach=False,
    )
    trace = []
    for step in range(1, plan.steps + 1):
        first = (step - 1) * plan.global_batch_size
        batch = [window(tokens, first + i, plan.sequence_length) for i in range(plan.global_batch_size)]
        optimizer.zero_grad()
        evaluation = evaluate(model, batch, objective)
        evaluation.loss.backward()
        norm = math.sqrt(sum(w.grad.square().sum().item() for w in weights))
        scale = min(1.0, plan.max_grad_norm / (norm + 1e-6))
        for group in optimizer.param_groups:
            group["lr"] = plan.learning_rate_at(step)
        for w in weights:
            w.grad.mul_(scale)
        optimizer.step()
        trace.append(
            {
                "step": step,
                "loss": evaluation.loss.item(),
                "ce": evaluation.ce.item(),
                "jreg": evaluation.jreg.item(),
                "grad_norm": norm,
                "learning_rate": plan.learning_rate_at(step),
                "displacement": evaluation.displacement.tolist(),
                "jump_rate": jump_rate(evaluation.displacement).tolist(),
            }
        )
    return trace
