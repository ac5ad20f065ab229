"""Hugging Face transformers in float64 throughout, to check the reference against an implementation by others."""

from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM


@contextmanager
def float32_means_float64():
    """Inside, what a library spells float32 is float64.

    LlamaRMSNorm, its rotary embedding and its softmax cast to float32 whatever the dtype of the model, which limits
    agreement to 1e-7; these casts look the dtype up in the torch module when they run.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with (
            patch.object(torch, "float32", torch.float64),
            patch.object(torch, "float", torch.float64),
            patch.object(torch.Tensor, "float", torch.Tensor.double),
        ):
            yield
    finally:
        torch.set_default_dtype(before)


def transformers_logits(directory: Path, sequences: list[list[int]]) -> list[torch.Tensor]:
    """Logits [T, vocabulary] of each sequence from `LlamaForCausalLM`."""
    config = LlamaConfig.from_pretrained(directory, attn_implementation="eager")
    weights = load_file(directory / "model.safetensors")
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    with float32_means_float64(), torch.no_grad():
        model = LlamaForCausalLM(config).eval()
        model.load_state_dict(weights)
        return [model(torch.tensor([ids])).logits[0] for ids in sequences]
