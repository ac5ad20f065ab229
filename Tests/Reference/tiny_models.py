"""The models, tokens and text of the fixtures, drawn from fixed seeds."""

import json
from pathlib import Path

import numpy
import torch
from safetensors.torch import save_file

HIDDEN, INTERMEDIATE, LAYERS, VOCABULARY = 48, 56, 3, 101

COMMON = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "hidden_size": HIDDEN,
    "intermediate_size": INTERMEDIATE,
    "num_hidden_layers": LAYERS,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "initializer_range": 0.02,
    "tie_word_embeddings": False,
}

LLAMA3_SCALING = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    # So short that of the four pairs of a head one is kept, one lies on the ramp and two are stretched.
    "original_max_position_embeddings": 128,
}

MODELS = {
    "mha": {
        **COMMON,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "head_dim": 16,
        "rope_theta": 10_000.0,
        "torch_dtype": "float32",
    },
    "gqa": {
        **COMMON,
        "num_attention_heads": 6,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "rope_theta": 10_000.0,
        "rope_scaling": LLAMA3_SCALING,
        "torch_dtype": "float32",
    },
    # The spelling of transformers 5.
    "tied": {
        **COMMON,
        "num_attention_heads": 3,
        "num_key_value_heads": 3,
        "head_dim": 16,
        "rope_parameters": {"rope_type": "linear", "rope_theta": 5_000.0, "factor": 2.0},
        "dtype": "float32",
        "tie_word_embeddings": True,
    },
}

# The size of the two output projections of block 1, 2, 3 against the embedding: chosen so that the displacement grows
# in about half of the tokens and shrinks in the others, at every layer.
BLOCK_GAINS = [1.2, 1.8, 2.2]


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """Every tensor of the checkpoint, [out, in]."""
    query = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    result: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        block = {
            "input_layernorm": (HIDDEN,),
            "self_attn.q_proj": (query, HIDDEN),
            "self_attn.k_proj": (keys, HIDDEN),
            "self_attn.v_proj": (keys, HIDDEN),
            "self_attn.o_proj": (HIDDEN, query),
            "post_attention_layernorm": (HIDDEN,),
            "mlp.gate_proj": (INTERMEDIATE, HIDDEN),
            "mlp.up_proj": (INTERMEDIATE, HIDDEN),
            "mlp.down_proj": (HIDDEN, INTERMEDIATE),
        }
        result |= {f"model.layers.{layer}.{name}.weight": shape for name, shape in block.items()}
    result["model.norm.weight"] = (HIDDEN,)
    if not config["tie_word_embeddings"]:
        result["lm_head.weight"] = (VOCABULARY, HIDDEN)
    return result


def draw(config: dict, seed: int) -> dict[str, torch.Tensor]:
    """Weights that keep activations near 1, with norm weights around 1, so that no gradient is too small to compare."""
    random = numpy.random.default_rng(seed)
    # A tied embedding is the head as well, whose logits should stay small.
    stream = 0.25 if config["tie_word_embeddings"] else 1.0
    weights = {}
    for name, shape in shapes(config).items():
        values = random.standard_normal(shape)
        if len(shape) == 1:
            values = 1 + 0.2 * values
        elif name == "model.embed_tokens.weight":
            values *= stream
        elif name == "lm_head.weight":
            values *= 0.7 / shape[1] ** 0.5
        else:
            values /= shape[1] ** 0.5
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            values *= stream * BLOCK_GAINS[int(name.split(".")[2])]
        weights[name] = torch.from_numpy(values.astype(numpy.float32))
    return weights


def write_model(directory: Path, config: dict, seed: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    save_file(draw(config, seed), directory / "model.safetensors", metadata={"format": "pt"})


def token_sequences(seed: int) -> list[list[int]]:
    """Two sequences of 38 ids (37 predictions) and one of 24; the lowest and the highest id occur."""
    random = numpy.random.default_rng(seed)
    sequences = [random.integers(0, VOCABULARY, length).tolist() for length in (38, 38, 24)]
    sequences[0][0], sequences[0][-1], sequences[1][5] = VOCABULARY - 1, 0, VOCABULARY - 1
    return sequences


def learnable_text(count: int, seed: int) -> numpy.ndarray:
    """Ids in which each mostly follows from the one before, so that a few steps of training already lower the loss."""
    random = numpy.random.default_rng(seed)
    successor = random.permutation(VOCABULARY)
    ids = numpy.empty(count, dtype=numpy.int64)
    ids[0] = 0
    for i in range(1, count):
        surprise = random.random() < 0.3
        ids[i] = random.integers(VOCABULARY) if surprise else successor[ids[i - 1]]
    return ids
