"""Reads lines `runner <tab> JSON` of Launch/bench-peer, prints the table of the README: medians over the rounds."""

import json
import statistics
import sys
from collections import defaultdict


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def main():
    runs = defaultdict(list)
    shapes = []
    for line in sys.stdin:
        runner, text = line.rstrip("\n").split("\t", 1)
        who, shape, *options = runner.split()
        kind = who if who == "ours" else ("compile" if options else "eager")
        runs[shape, kind].append(json.loads(text))
        if shape not in shapes:
            shapes.append(shape)

    print("| shape | jreg-dist, GFLOP/s | of P | eager | torch.compile | ratio to the better | memory | of eager's |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in shapes:
        ours, eager, compiled = (runs[shape, kind] for kind in ("ours", "eager", "compile"))
        rate = median(ours, "flops")
        better = max(median(eager, "flops"), median(compiled, "flops"))
        memory = median(ours, "node_memory")
        print(
            f"| {shape} | {rate / 1e9:.0f} | {rate / median(ours, 'peak'):.2f} | {median(eager, 'flops') / 1e9:.0f} "
            f"| {median(compiled, 'flops') / 1e9:.0f} | {rate / better:.2f} × | {memory / 2**30:.2f} GiB "
            f"| {memory / median(eager, 'node_memory'):.2f} |")


if __name__ == "__main__":
    main()
