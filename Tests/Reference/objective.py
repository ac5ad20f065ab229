"""The training objective in float64: cross-entropy, JREG of three kinds, z-loss; means over predicted tokens."""

from dataclasses import dataclass

import torch

from llama import Llama


@dataclass(frozen=True)
class Objective:
    """The config's `objective` table. `start` is `jreg.from`: the first layer whose jump counts (None: L)."""

    jreg_lambda: float = 0.0
    kind: str = "weighted"
    alpha: float = 3.0
    start: int | None = None
    z_loss: float = 0.0

    def overrides(self) -> list[str]:
        """This objective as arguments of `--set`."""
        settings = [f"objective.jreg.lambda={self.jreg_lambda}"]
        if self.jreg_lambda:
            settings.append(f"objective.jreg.kind={self.kind}")
            if self.kind == "weighted":
                settings.append(f"objective.jreg.alpha={self.alpha}")
            if self.start is not None:
                settings.append(f"objective.jreg.from={self.start}")
        return settings + [f"objective.z_loss={self.z_loss}"]


@dataclass
class Evaluation:
    """Loss terms of some sequences; `jreg` is not multiplied by λ, and is 0 where λ is; `displacement` is [L]."""

    loss: torch.Tensor
    ce: torch.Tensor
    jreg: torch.Tensor
    displacement: torch.Tensor


def displacement(states: list[torch.Tensor]) -> torch.Tensor:
    """Ψ_l(t) = ½ (1 − cos(h_{l−1,t}, h_{l,t})), [L, T]; ½, with no gradient, where one of the two is zero."""
    h = torch.stack(states)
    before, after = h[:-1], h[1:]
    lengths = before.square().sum(-1) * after.square().sum(-1)
    usable = lengths > 0
    cosine = (before * after).sum(-1) / lengths.where(usable, torch.ones_like(lengths)).sqrt()
    return 0.5 * (1 - cosine.where(usable, torch.zeros_like(cosine)))


def jumps(psi: torch.Tensor) -> torch.Tensor:
    """max(0, Ψ_k − Ψ_{k−1}) with Ψ_0 = 0, of every layer along the first axis."""
    return torch.diff(psi, dim=0, prepend=torch.zeros_like(psi[:1])).clamp(min=0)


def jump_rate(mean_psi: torch.Tensor) -> torch.Tensor:
    """ζ_l = 100 · Σ_{k=l..L} max(0, Ψ_k − Ψ_{k−1}) of the mean displacements, [L]."""
    return 100 * jumps(mean_psi).flip(0).cumsum(0).flip(0)


def jreg(psi: torch.Tensor, objective: Objective) -> torch.Tensor:
    """The penalty of every token, [T], from its displacements [L, T]."""
    layers = len(psi)
    if objective.kind == "weighted":
        weights = (torch.arange(1, layers + 1, dtype=psi.dtype) / layers) ** objective.alpha
        return (weights / weights.sum()) @ psi
    if objective.kind == "final":
        return psi[-1]
    if objective.kind == "jump-rate":
        return jumps(psi)[(objective.start or layers) - 1 :].sum(0)
    raise ValueError(f"JREG of kind {objective.kind!r}: wanted weighted, final or jump-rate")


def evaluate(model: Llama, sequences: list[list[int]], objective: Objective) -> Evaluation:
    """The objective of `sequences`, each predicting its ids 1.. from its ids 0..; every token weighs the same."""
    ce, penalty, z, psi = [], [], [], []
    for ids in map(torch.tensor, sequences):
        states, logits = model.forward(ids[:-1])
        normalizer = logits.logsumexp(-1)
        ce.append(normalizer - logits.gather(1, ids[1:, None])[:, 0])
        z.append(normalizer.square())
        psi.append(displacement(states))
        penalty.append(jreg(psi[-1], objective))
    mean_ce = torch.cat(ce).mean()
    mean_jreg = torch.cat(penalty).mean() if objective.jreg_lambda else torch.zeros_like(mean_ce)
    loss = mean_ce + objective.jreg_lambda * mean_jreg + objective.z_loss * torch.cat(z).mean()
    return Evaluation(loss, mean_ce, mean_jreg, torch.cat(psi, 1).mean(1).detach())
