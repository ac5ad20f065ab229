"""The Llama forward pass in plain PyTorch, float64, one sequence at a time: written to be read, not to be fast."""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file


class Llama:
    """A Hugging Face Llama directory, or a config with weights: `config` as in config.json, `weights` by HF name."""

    def __init__(self, config: dict, weights: dict[str, torch.Tensor], dtype=torch.float64):
        self.config = config
        self.weights = {name: w.detach().to(dtype).requires_grad_() for name, w in weights.items()}
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.head_dim = config["head_dim"]
        self.dtype = dtype

    @classmethod
    def read(cls, directory: Path, dtype=torch.float64) -> "Llama":
        config = json.loads((directory / "config.json").read_text())
        return cls(config, load_file(directory / "model.safetensors"), dtype)

    def forward(self, ids: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """ids [T] -> the residual stream h_0 to h_L (no final norm), each [T, hidden]; logits [T, vocabulary]."""
        cos, sin = (table.to(self.dtype) for table in rotary_tables(self.config, len(ids)))
        h = self.weights["model.embed_tokens.weight"][ids]
        states = [h]
        for layer in range(self.layers):
            prefix = f"model.layers.{layer}."
            h = h + self.attention(prefix + "self_attn.", self.norm(prefix + "input_layernorm", h), cos, sin)
            h = h + self.mlp(prefix + "mlp.", self.norm(prefix + "post_attention_layernorm", h))
            states.append(h)
        tied = self.config["tie_word_embeddings"]
        head = self.weights["model.embed_tokens.weight" if tied else "lm_head.weight"]
        return states, self.norm("model.norm", h) @ head.T

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        """RMSNorm (Zhang and Sennrich 2019): x / sqrt(mean(x²) + ε) · weight."""
        scale = (x.square().mean(-1, keepdim=True) + self.config["rms_norm_eps"]).rsqrt()
        return x * scale * self.weights[name + ".weight"]

    def attention(self, prefix: str, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """Causal attention, [T, hidden] -> [T, hidden]; each key and value head serves heads / kv_heads query heads."""
        length = len(x)

        def project(name: str, heads: int) -> torch.Tensor:
            return (x @ self.weights[f"{prefix}{name}.weight"].T).view(length, heads, self.head_dim).transpose(0, 1)

        query = rotate(project("q_proj", self.heads), cos, sin)
        key = rotate(project("k_proj", self.kv_heads), cos, sin)
        value = project("v_proj", self.kv_heads)
        group = self.heads // self.kv_heads
        key, value = key.repeat_interleave(group, 0), value.repeat_interleave(group, 0)
        scores = query @ key.transpose(1, 2) / math.sqrt(self.head_dim)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        mixed = scores.masked_fill(future, -math.inf).softmax(-1) @ value
        return mixed.transpose(0, 1).reshape(length, -1) @ self.weights[prefix + "o_proj.weight"].T

    def mlp(self, prefix: str, x: torch.Tensor) -> torch.Tensor:
        """SwiGLU (Shazeer 2020): down(silu(gate(x)) · up(x))."""
        gate = x @ self.weights[prefix + "gate_proj.weight"].T
        up = x @ self.weights[prefix + "up_proj.weight"].T
        return (gate * gate.sigmoid() * up) @ self.weights[prefix + "down_proj.weight"].T


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """RoPE on [heads, T, head_dim], half-split: element i turns with element i + head_dim/2."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def rotary_tables(config: dict, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [length, head_dim/2] of position · frequency."""
    frequencies = rotary_frequencies(config, rope_settings(config))
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies)
    return angles.cos(), angles.sin()


def rope_settings(config: dict) -> dict:
    """θ and scaling in one: `rope_parameters` of transformers 5, or `rope_theta` and `rope_scaling` of earlier ones."""
    if "rope_parameters" in config:
        return config["rope_parameters"]
    return {"rope_type": "default", "rope_theta": config["rope_theta"], **(config.get("rope_scaling") or {})}


def rotary_frequencies(config: dict, rope: dict) -> torch.Tensor:
    """Radians per position of each pair, [head_dim/2]: θ^(-2i/head_dim), then stretched as the scaling says."""
    width = config["head_dim"]
    frequencies = rope["rope_theta"] ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    if rope["rope_type"] == "default":
        return frequencies
    if rope["rope_type"] == "linear":
        return frequencies / rope["factor"]
    if rope["rope_type"] == "llama3":
        low, high = rope["low_freq_factor"], rope["high_freq_factor"]
        turns = rope["original_max_position_embeddings"] * frequencies / (2 * math.pi)
        # 1: turns often enough in the original context to be kept; 0: so slowly that it is stretched in full.
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        return frequencies * (kept + (1 - kept) / rope["factor"])
    raise ValueError(f"rope_type is {rope['rope_type']!r}, but the reference knows default, linear and llama3")
