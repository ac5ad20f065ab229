"""Writes every fixture beside this file (needs torch, transformers, safetensors, numpy).

    python Tests/Fixtures/generate.py

All numbers come from the float64 reference in Tests/Reference, which is first checked here against Hugging Face
transformers in float64; then each fixture is checked to be fit for comparison with a float32 trainer.
"""

import json
import sys
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent
sys.path.insert(0, str(FIXTURES.parent / "Reference"))

import torch  # noqa: E402
from llama import Llama  # noqa: E402
from objective import Objective, displacement  # noqa: E402
from reference import gradients  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tiny_models import LAYERS, MODELS, learnable_text, token_sequences, write_model  # noqa: E402
from training import Plan, train, write_shard  # noqa: E402
from transformers_double import transformers_logits  # noqa: E402

OBJECTIVES = {
    "ce": Objective(),
    "weighted-0": Objective(3.0, "weighted", alpha=0.0),
    "weighted-3": Objective(3.0, "weighted", alpha=3.0),
    "final": Objective(3.0, "final"),
    "jump-1": Objective(3.0, "jump-rate", start=1),
    "jump-L": Objective(3.0, "jump-rate", start=LAYERS),
}
CASES = [(model, name, objective) for model in MODELS for name, objective in OBJECTIVES.items()]
CASES.append(("mha", "zloss", Objective(z_loss=0.01)))

TRACE_MODEL = "gqa"
# 12 batches and a half: the run meets the end of the epoch in the middle of a batch; the last 5 ids fill no window.
TRACE_TOKENS = 100 * 32 + 1 + 5

TRACE_CONFIG = """\
# The run of expected.json; paths are relative to the root of the repository.
model:
  init_from: Tests/Fixtures/models/{model}
data:
  train: [Tests/Fixtures/trace/train.bin]
  shuffle: false
objective:
  jreg: {{lambda: {objective.jreg_lambda}, kind: {objective.kind}, alpha: {objective.alpha}, warmup_steps: 0}}
optimizer:
  learning_rate: {plan.learning_rate}
  min_learning_rate: {plan.min_learning_rate}
  schedule: cosine
  warmup_steps: {plan.warmup_steps}
  beta1: {plan.betas[0]}
  beta2: {plan.betas[1]}
  epsilon: 1.0e-8
  weight_decay: {plan.weight_decay}
  max_grad_norm: {plan.max_grad_norm}
batch:
  sequence_length: {plan.sequence_length}
  micro_batch_size: 1
  global_batch_size: {plan.global_batch_size}
  lanes: 8
run: {{steps: {plan.steps}, log_every: 1}}
"""


def main() -> None:
    torch.set_num_threads(1)
    sequences = token_sequences(seed=7)
    (FIXTURES / "tokens.json").write_text(json.dumps({"tokens": sequences}) + "\n")
    for seed, (name, config) in enumerate(MODELS.items(), start=11):
        write_model(FIXTURES / "models" / name, config, seed)
        check_forward(name, sequences)
        check_jumps(name, sequences)
    write_gradients(sequences)
    write_trace()


def check_forward(name: str, sequences: list[list[int]]) -> None:
    """The reference and transformers agree to 1e-9, relative to the largest logit."""
    directory = FIXTURES / "models" / name
    model = Llama.read(directory)
    for ids, theirs in zip(sequences, transformers_logits(directory, sequences), strict=True):
        ours = model.forward(torch.tensor(ids))[1]
        error = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        require(error < 1e-9, f"models/{name}: logits differ from those of transformers by {error:.1e}")


def check_jumps(name: str, sequences: list[list[int]]) -> None:
    """Both signs of jump occur at each layer, and none lies so near the kink that float32 could take the other side."""
    model = Llama.read(FIXTURES / "models" / name)
    states = [model.forward(torch.tensor(ids[:-1]))[0] for ids in sequences]
    steps = torch.diff(torch.cat([displacement(s) for s in states], 1), dim=0)
    growing = (steps > 0).double().mean(1)
    require(bool(((growing > 0.1) & (growing < 0.9)).all()), f"models/{name}: the jumps are one-sided: {growing}")
    require(steps.abs().min().item() > 1e-5, f"models/{name}: a jump of {steps.abs().min():.1e} is too near zero")


def write_gradients(sequences: list[list[int]]) -> None:
    """gradients/MODEL-NAME.safetensors for each case, and cases.json with the settings of each."""
    directory = FIXTURES / "gradients"
    directory.mkdir(exist_ok=True)
    index = []
    for model, name, objective in CASES:
        path = FIXTURES / "models" / model
        expected = gradients(Llama.read(path), sequences, objective)
        rounded = gradients(Llama.read(path, torch.float32), sequences, objective)
        for key, tensor in expected.items():
            error = ((rounded[key] - tensor).norm() / tensor.norm().clamp(min=1e-30)).item()
            require(error < 2e-6, f"gradients/{model}-{name}: float32 alone changes {key} by {error:.1e}")
        save_file(expected, directory / f"{model}-{name}.safetensors")
        index.append({"name": f"{model}-{name}", "model": model, "set": objective.overrides()})
    (directory / "cases.json").write_text(json.dumps(index, indent=1) + "\n")


def write_trace() -> None:
    """trace/: a shard, the run's config and the numbers of each step."""
    directory = FIXTURES / "trace"
    directory.mkdir(exist_ok=True)
    plan, objective = Plan(), OBJECTIVES["weighted-3"]
    tokens = learnable_text(TRACE_TOKENS, seed=5)
    write_shard(directory / "train.bin", tokens)
    settings = TRACE_CONFIG.format(model=TRACE_MODEL, plan=plan, objective=objective)
    (directory / "config.yaml").write_text(settings)

    start = FIXTURES / "models" / TRACE_MODEL
    expected = train(Llama.read(start), tokens, plan, objective)
    rounded = train(Llama.read(start, torch.float32), tokens, plan, objective)
    worst = max(abs(a["loss"] / b["loss"] - 1) for a, b in zip(rounded, expected, strict=True))
    require(worst < 1e-5, f"trace: float32 alone moves the loss by {worst:.1e}")
    clipped = sum(step["grad_norm"] > plan.max_grad_norm for step in expected)
    require(5 <= clipped <= plan.steps - 5, f"trace: clipping acts in {clipped} of {plan.steps} steps")
    (directory / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def require(fit: bool, complaint: str) -> None:
    if not fit:
        sys.exit(complaint)


if __name__ == "__main__":
    main()
