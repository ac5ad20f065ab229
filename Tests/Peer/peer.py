"""The PyTorch trainer that jreg-dist is measured against: the same Llama, JREG, AdamW and data parallelism.

    torchrun --nproc-per-node 2 Tests/Peer/peer.py --shape small --batch 4 [--compile] [--steps 6]

Written as a careful user would write it: fused scaled-dot-product attention, fused RMSNorm, fused AdamW, DDP over gloo with
gradients as bucket views. Prints one JSON line: the median step in seconds, FLOP/s by jreg-dist's count, and the sum over
ranks of the proportional set size between forward and backward.
"""

import argparse
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

SHAPES = {
    "stories15m": dict(hidden=288, layers=6, heads=6, kv_heads=6, intermediate=768, vocabulary=32000, length=256),
    "mini": dict(hidden=512, layers=8, heads=8, kv_heads=8, intermediate=1376, vocabulary=32000, length=512),
    "small": dict(hidden=768, layers=12, heads=12, kv_heads=12, intermediate=2048, vocabulary=32000, length=1024),
}


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


class Layer(nn.Module):
    def __init__(self, hidden, heads, kv_heads, intermediate, **_):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, hidden // heads
        self.attention_norm, self.mlp_norm = Norm(hidden), Norm(hidden)
        self.qkv = nn.Linear(hidden, (heads + 2 * kv_heads) * self.head_dim, bias=False)
        self.out = nn.Linear(hidden, hidden, bias=False)
        self.gate_up = nn.Linear(hidden, 2 * intermediate, bias=False)
        self.down = nn.Linear(intermediate, hidden, bias=False)

    def rotate(self, x, cosines, sines):
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cosines - second * sines, second * cosines + first * sines], dim=-1)

    def forward(self, x, cosines, sines):
        batch, length, hidden = x.shape
        sizes = [self.heads * self.head_dim] + 2 * [self.kv_heads * self.head_dim]
        q, k, v = (
            part.view(batch, length, -1, self.head_dim).transpose(1, 2)
            for part in self.qkv(self.attention_norm(x)).split(sizes, dim=-1)
        )
        q, k = self.rotate(q, cosines, sines), self.rotate(k, cosines, sines)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.heads != self.kv_heads)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, hidden))
        gate, up = self.gate_up(self.mlp_norm(x)).chunk(2, dim=-1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, penalty, hidden, layers, heads, vocabulary, length, **rest):
        super().__init__()
        self.penalty = penalty
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.layers = nn.ModuleList(Layer(hidden, heads, **rest) for _ in range(layers))
        self.norm, self.head = Norm(hidden), nn.Linear(hidden, vocabulary, bias=False)
        half = hidden // heads // 2
        angles = torch.outer(torch.arange(length), 10000.0 ** (-torch.arange(half) / half))
        self.register_buffer("cosines", angles.cos())
        self.register_buffer("sines", angles.sin())
        weights = (torch.arange(1, layers + 1) / layers) ** 3.0
        self.register_buffer("weights", weights / weights.sum())
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens, targets):
        state, jreg = self.embedding(tokens), 0.0
        for layer, weight in zip(self.layers, self.weights):
            before, state = state, layer(state, self.cosines, self.sines)
            step = 0.5 * (1 - F.cosine_similarity(before, state, dim=-1))
            jreg = jreg + weight * step.mean()
        logits = self.head(self.norm(state))
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()) + self.penalty * jreg


def proportional_bytes():
    with open("/proc/self/smaps_rollup") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Pss:"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--batch", type=int, default=4, help="sequences per rank and step")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    dist.init_process_group("gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    torch.manual_seed(0)
    shape = SHAPES[options.shape]
    model = Llama(3.0, **shape)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    network = nn.parallel.DistributedDataParallel(
        torch.compile(model) if options.compile else model, gradient_as_bucket_view=True)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    generator = torch.Generator().manual_seed(1 + rank)

    seconds = []
    for step in range(options.warmup + options.steps):
        window = torch.randint(
            0, shape["vocabulary"], (options.batch, shape["length"] + 1), generator=generator)
        dist.barrier()
        start = time.perf_counter()
        loss = network(window[:, :-1], window[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        dist.barrier()
        if step >= options.warmup:
            seconds.append(time.perf_counter() - start)

    # One more step for the memory: most is held between forward and backward.
    loss = network(window[:, :-1], window[:, 1:])
    memory = torch.tensor([proportional_bytes()])
    loss.backward()
    dist.all_reduce(memory)
    if rank == 0:
        tokens = options.batch * world * shape["length"]
        multiplied = parameters - shape["vocabulary"] * shape["hidden"]
        per_token = 6 * multiplied + 6 * shape["layers"] * shape["length"] * shape["hidden"]
        median = statistics.median(seconds)
        print(json.dumps(dict(
            shape=options.shape, compile=options.compile, ranks=world, parameters=parameters, seconds=median,
            tokens_per_second=tokens / median, flops=per_token * tokens / median, node_memory=memory.item(),
            loss=loss.item(), torch=torch.__version__)))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
