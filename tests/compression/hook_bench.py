"""Times PyTorch's powerSGD_hook and `spillway compress bench` on GPT-2 small, one replica, one thread each, in turns.

Prints one JSON line per rank. Not a test: run it by hand on a quiet machine (SPILLWAY_BINARY and about 4 GB of memory).
Usage: hook_bench.py [ROUNDS]
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import torch
import torch.distributed as dist
from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook as hook

LAYERS, HIDDEN, CONTEXT, VOCABULARY = 12, 768, 1024, 50304
STEPS = 3


def shapes():
    layer = [(HIDDEN,), (HIDDEN,), (3 * HIDDEN, HIDDEN), (3 * HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN,), (HIDDEN,),
             (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (HIDDEN, 4 * HIDDEN), (HIDDEN,)]
    return [(VOCABULARY, HIDDEN), (CONTEXT, HIDDEN), *layer * LAYERS, (HIDDEN,), (HIDDEN,)]


class Bucket:
    def __init__(self, number, flat, parts):
        self.number, self.flat, self.parts, self.last = number, flat, parts, False

    def index(self):
        return self.number

    def buffer(self):
        return self.flat

    def gradients(self):
        return self.parts

    def is_last(self):
        return self.last

    def set_buffer(self, tensor):
        self.flat = tensor


def buckets(mib=25):
    """Last parameters first, at most `mib` each, as DDP and Spillway make them."""
    groups, size = [[]], 0
    for shape in reversed(shapes()):
        numel = torch.Size(shape).numel()
        if groups[-1] and (size + numel) * 4 > mib * 2**20:
            groups.append([])
            size = 0
        groups[-1].append(shape)
        size += numel
    made = []
    for number, group in enumerate(groups):
        flat = torch.randn(sum(torch.Size(shape).numel() for shape in group))
        parts, offset = [], 0
        for shape in group:
            numel = torch.Size(shape).numel()
            parts.append(flat[offset:offset + numel].view(shape))
            offset += numel
        made.append(Bucket(number, flat, parts))
    made[-1].last = True
    return made


def hook_ms(state, gradients):
    start = time.perf_counter()
    for bucket in gradients:
        hook.powerSGD_hook(state, bucket).wait()
    return 1e3 * (time.perf_counter() - start)


def our_ms(rank):
    done = subprocess.run(
        [os.environ["SPILLWAY_BINARY"], "compress", "bench", "--format=json", "--methods=powersgd", f"--steps={STEPS}", "--warmup=2",
         f"--model.layers={LAYERS}", f"--model.hidden={HIDDEN}", "--model.heads=12", f"--model.sequence_length={CONTEXT}",
         f"--model.vocabulary={VOCABULARY}", f"--compression.approximation_rank={rank}"],
        check=True, capture_output=True, text=True)
    row = json.loads(done.stdout)[0]
    assert row["dense_bytes"] == 4 * sum(torch.Size(shape).numel() for shape in shapes())
    return row


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
        gradients = buckets()
        for rank in (1, 4, 32):
            state = hook.PowerSGDState(None, matrix_approximation_rank=rank, start_powerSGD_iter=2, random_seed=0)
            state.iter = 2
            theirs, ours = [], []
            for _ in range(rounds):
                hook_ms(state, gradients)
                theirs += [hook_ms(state, gradients) for _ in range(STEPS)]
                ours.append(our_ms(rank))
            total = [row["compress_ms"] + row["wire_ms"] + row["decompress_ms"] for row in ours]
            print(json.dumps({
                "approximation_rank": rank, "hook_ms_min": round(min(theirs), 1), "hook_ms_median": round(statistics.median(theirs), 1),
                "spillway_ms_min": round(min(total), 1), "spillway_ms_median": round(statistics.median(total), 1),
                **{phase: round(min(row[phase] for row in ours), 1) for phase in ("compress_ms", "wire_ms", "decompress_ms")},
                "ratio_of_min": round(min(theirs) / min(total), 2)}), flush=True)
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    main()
