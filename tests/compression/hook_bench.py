"""Times PyTorch's powerSGD_hook (over gloo) and `spillway compress bench` on GPT-2 small, one thread a replica, in turns.

Prints one JSON line per rank; times are those of the slowest replica. Not a test: run it by hand on a quiet machine
(SPILLWAY_BINARY, for several replicas SPILLWAY_MPIRUN, and about 4 GB of memory a replica).
Usage: hook_bench.py [ROUNDS [REPLICAS]], default 3 1
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
    dist.barrier()
    start = time.perf_counter()
    for bucket in gradients:
        hook.powerSGD_hook(state, bucket).wait()
    slowest = torch.tensor([1e3 * (time.perf_counter() - start)])
    dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
    return slowest.item()


def our_ms(rank, replicas):
    launch = [] if replicas == 1 else [os.environ["SPILLWAY_MPIRUN"], "--timeout", "170", "-np", str(replicas), "--oversubscribe", "--bind-to",
                                       "none"]
    done = subprocess.run(
        ["timeout", "-k", "5", "180", *launch, os.environ["SPILLWAY_BINARY"], "compress", "bench", "--format=json", "--methods=powersgd", f"--steps={STEPS}", "--warmup=2",
         f"--model.layers={LAYERS}", f"--model.hidden={HIDDEN}", "--model.heads=12", f"--model.sequence_length={CONTEXT}",
         f"--model.vocabulary={VOCABULARY}", f"--compression.approximation_rank={rank}"],
        check=True, capture_output=True, text=True)
    row = json.loads(done.stdout)[0]
    assert row["dense_bytes"] == 4 * sum(torch.Size(shape).numel() for shape in shapes())
    return row


def compare(rank, rounds, replicas, gradients):
    state = hook.PowerSGDState(None, matrix_approximation_rank=rank, start_powerSGD_iter=2, random_seed=0)
    state.iter = 2
    theirs, ours = [], []
    for _ in range(rounds):
        hook_ms(state, gradients)
        theirs += [hook_ms(state, gradients) for _ in range(STEPS)]
        if dist.get_rank() == 0:
            ours.append(our_ms(rank, replicas))
        dist.barrier()
    if dist.get_rank() > 0:
        return
    total = [row["compress_ms"] + row["wire_ms"] + row["decompress_ms"] for row in ours]
    print(json.dumps({
        "approximation_rank": rank, "replicas": replicas, "hook_ms_min": round(min(theirs), 1), "hook_ms_median": round(statistics.median(theirs), 1),
        "spillway_ms_min": round(min(total), 1), "spillway_ms_median": round(statistics.median(total), 1),
        **{phase: round(min(row[phase] for row in ours), 1) for phase in ("compress_ms", "wire_ms", "decompress_ms")},
        "ratio_of_min": round(min(theirs) / min(total), 2)}), flush=True)


def main():
    rounds, replicas = [int(word) for word in sys.argv[1:] + ["3", "1"][len(sys.argv) - 1:]]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        mine = next((replica for replica in range(1, replicas) if os.fork() == 0), 0)
        dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=mine, world_size=replicas)
        gradients = buckets()
        for rank in (1, 4, 32):
            compare(rank, rounds, replicas, gradients)
        dist.barrier()
        os._exit(0)


if __name__ == "__main__":
    main()
