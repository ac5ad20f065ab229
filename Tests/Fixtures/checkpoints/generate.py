"""Makes the fixtures of CheckpointsTests with the reference implementations. Run it in this directory.

Needs torch, safetensors and transformers 5 (written with 2.13, 0.8 and 5.23).
"""

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

# Every element type that floats are read from. The values are exact in all of them but the last.
values = torch.tensor([0.0, -0.0, 1.0, -1.5, 3.140625, 65280.0, 2.0**-24, float("inf"), float("-inf"), -7.0])
save_file(
    {
        "f32": values,
        "bf16": values.to(torch.bfloat16),
        "f16": values.to(torch.float16),
        "f64": values.double() / 3,
        "scalar": torch.tensor(42.0),
        "empty": torch.zeros(0, 3),
        "matrix": torch.arange(15.0).reshape(5, 3),
        "ids": torch.tensor([1, 2, 3]),
    },
    "types.safetensors",
    metadata={"note": 'quoted "text"\n'},
)

# A tied model with grouped queries and scaled rotary embeddings, in shards.
torch.manual_seed(1)
config = LlamaConfig(
    vocab_size=11,
    hidden_size=12,
    intermediate_size=20,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=6,
    max_position_embeddings=64,
    rms_norm_eps=1e-5,
    rope_parameters={
        "rope_type": "llama3",
        "rope_theta": 500000.0,
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    },
    tie_word_embeddings=True,
    bos_token_id=1,
    eos_token_id=[2, 3],
)
model = LlamaForCausalLM(config)
model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=[2, 3])
model.save_pretrained("sharded", max_shard_size=4000)
with open("sharded/sums.txt", "w") as sums:
    for name, tensor in model.state_dict().items():
        if name != "lm_head.weight":
            print(name, repr(float(tensor.double().sum())), repr(float(tensor.flatten()[-1])), file=sums)
