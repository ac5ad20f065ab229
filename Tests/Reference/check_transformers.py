"""Opens a checkpoint as any user of Hugging Face transformers would, and writes the logits it gives.

    python Tests/Reference/check_transformers.py DIR TOKENS.json OUT.safetensors [--text TEXT]

TOKENS.json is `{"tokens": [[ids of one sequence], ...]}`; OUT holds `logits.0`, `logits.1`, ... [T, vocabulary],
float32, one for all ids of each sequence. Standard output is one JSON object; its `missing_keys`, `unexpected_keys` and
`mismatched_keys` are empty for a checkpoint in order. With tokenizer files in DIR, `tokenizer` says what AutoTokenizer
makes of TEXT.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, LlamaForCausalLM

TOKENIZER_FILES = ["tokenizer.json", "tokenizer.model"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", default="The quick brown fox")
    arguments = parser.parse_args()
    # Standard output carries the JSON alone, whatever the libraries have to say.
    with contextlib.redirect_stdout(sys.stderr):
        report = check(arguments.directory, arguments.tokens, arguments.out, arguments.text)
    print(json.dumps(report))


def check(directory: Path, tokens: Path, out: Path, text: str) -> dict:
    sequences = json.loads(tokens.read_text())["tokens"]
    model, loading = LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    model.eval()
    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits[0] for ids in sequences]
    save_file({f"logits.{i}": each.float().contiguous() for i, each in enumerate(logits)}, out)
    return {
        "parameters": model.num_parameters(),
        "model_type": model.config.model_type,
        "missing_keys": sorted(loading["missing_keys"]),
        "unexpected_keys": sorted(loading["unexpected_keys"]),
        "mismatched_keys": sorted(map(str, loading["mismatched_keys"])),
        "generation_config": model.generation_config.to_diff_dict(),
        "tokenizer": tokenize(directory, text),
    }


def tokenize(directory: Path, text: str) -> dict | None:
    """What AutoTokenizer makes of `text`; nothing where the directory has no tokenizer."""
    if not any((directory / name).exists() for name in TOKENIZER_FILES):
        return None
    tokenizer = AutoTokenizer.from_pretrained(directory)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return {
        "class": type(tokenizer).__name__,
        "vocabulary": len(tokenizer),
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
        "ids": ids,
        "decoded": tokenizer.decode(ids),
    }


if __name__ == "__main__":
    main()
