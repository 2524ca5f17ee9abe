"""PowerSGD agrees with PyTorch's powerSGD_hook: outputs, mean error, bypass decisions.

The hook runs in gloo processes on a bucket of our making (index, buffer, gradients, is_last, set_buffer are all it asks for), no DDP.
`spillway compress replay` gets the same gradients.
"""

import itertools
import os
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.algorithms.ddp_comm_hooks import powerSGD_hook as hook

# In registration order, which is not that of the names: same shapes apart from each other, matrices, vectors, convolutions, 1 x N.
PARAMETERS = {
    "w2": (33, 48), "b2": (48,), "conv": (16, 6, 3, 3), "w1": (64, 40), "row": (1, 70), "again": (33, 48), "tiny": (3, 4),
    "edge": (8, 8), "w0": (64, 40), "scale": (1,),
}
STEPS = 8
START = 2


class Bucket:
    """What the hook uses of torch.distributed.GradBucket."""

    def __init__(self, flat):
        self.flat = flat

    def index(self):
        return 0

    def buffer(self):
        return self.flat

    def gradients(self):
        sizes = [int(np.prod(shape)) for shape in PARAMETERS.values()]
        return [part.view(shape) for part, shape in zip(self.flat.split(sizes), PARAMETERS.values())]

    def is_last(self):
        return True

    def set_buffer(self, tensor):
        self.flat = tensor


def gradient(name, step, rank):
    rng = np.random.default_rng([step, rank, list(PARAMETERS).index(name)])
    value = rng.standard_normal(PARAMETERS[name])
    signal = np.random.default_rng(list(PARAMETERS).index(name)).standard_normal(PARAMETERS[name])
    return (value + signal).astype(np.float32)  # replicas share a part


def run_hook(rank, world, cases, folder):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    results = [hook_outputs(rank, world, case) for case in cases]
    if rank == 0:
        torch.save(results, f"{folder}/hook.pt")
    dist.barrier()
    sys.stdout.flush()
    os._exit(0)  # gloo's threads may abort at teardown; the results are written


def hook_outputs(rank, world, case):
    """Output and mean error of every step."""
    state = hook.PowerSGDState(
        None, matrix_approximation_rank=case["rank"], start_powerSGD_iter=START, min_compression_rate=case["rate"],
        use_error_feedback=case["feedback"] != "off", warm_start=case["warm"], random_seed=case["seed"])
    steps = []
    for step in range(STEPS):
        flat = torch.cat([torch.from_numpy(gradient(name, step, rank)).view(-1) for name in PARAMETERS])
        bucket = Bucket(flat)
        hook.powerSGD_hook(state, bucket).wait()
        error = state.error_dict.get(0, torch.zeros_like(flat)).clone()
        dist.all_reduce(error)
        steps.append((bucket.flat.clone(), error / world))
    return steps


def write_gradients(world, folder):
    with h5py.File(f"{folder}/in.h5", "w") as file:
        file.attrs["parameters"] = np.bytes_("\n".join(PARAMETERS))
        for step, rank, name in itertools.product(range(STEPS), range(world), PARAMETERS):
            file[f"step/{step}/rank/{rank}/{name}"] = gradient(name, step, rank)


def run_ours(world, case, folder):
    subprocess.run(
        [os.environ["SPILLWAY_BINARY"], "compress", "replay", f"{folder}/in.h5", f"{folder}/out.h5",
         "--compression.method=powersgd", f"--compression.approximation_rank={case['rank']}",
         f"--compression.start_step={START}", f"--compression.min_compression_rate={case['rate']}",
         f"--compression.error_feedback={case['feedback']}", f"--compression.warm_start={str(case['warm']).lower()}",
         f"--compression.bucket_mib={case['bucket_mib']}", f"--run.seed={case['seed']}"],
        check=True, stdout=subprocess.DEVNULL, timeout=60)
    with h5py.File(f"{folder}/out.h5") as file:
        read = lambda kind: [{name: file[f"{kind}/{step}/{name}"][()] for name in PARAMETERS} for step in range(STEPS)]
        return read("step"), read("error")


def bypassed(case):
    """The hook's own decision."""
    names = set()
    for name, shape in PARAMETERS.items():
        n, m = shape[0], int(np.prod(shape[1:]))
        if not hook._should_compress(n, m, min(n, m, case["rank"]), case["rate"])[0]:
            names.add(name)
    return names


def distance(ours, theirs):
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-6))


def compare(world, case, theirs, folder):
    outputs, errors = run_ours(world, case, folder)
    whole = bypassed(case)
    assert whole and whole != set(PARAMETERS), "the case must have both kinds"
    worst = 0.0
    for step, (their_output, their_error) in enumerate(theirs):
        their_output = dict(zip(PARAMETERS, Bucket(their_output).gradients()))
        their_error = dict(zip(PARAMETERS, Bucket(their_error).gradients()))
        for name in PARAMETERS:
            worst = max(worst, distance(outputs[step][name], their_output[name].numpy()))
            if step < START or name in whole or case["feedback"] == "off":
                assert not errors[step][name].any(), f"{name} keeps an error at step {step}"
                # The hook keeps one for bypassed tensors too, of zero mean.
                assert np.abs(their_error[name].numpy()).max() < 1e-6
                continue
            assert errors[step][name].any(), f"{name} is not compressed at step {step}"
            worst = max(worst, distance(errors[step][name], their_error[name].numpy()))
    print(f"W = {world}, {case}: largest relative difference {worst:.1e}", flush=True)
    return worst


def compare_all(world, cases):
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(run_hook, args=(world, cases, folder), nprocs=world)
        write_gradients(world, folder)
        results = torch.load(f"{folder}/hook.pt")
        return max(compare(world, case, theirs, folder) for case, theirs in zip(cases, results))


def main():
    default = {"rank": 2, "rate": 1.5, "feedback": "local", "warm": True, "bucket_mib": 25, "seed": 0}
    ranks = [default | {"rank": rank, "seed": rank} for rank in (1, 2, 4)]
    others = [default | change for change in (
        {"feedback": "global", "rank": 4}, {"feedback": "off"}, {"warm": False}, {"bucket_mib": 0.01}, {"rate": 2, "rank": 4})]
    worst = max(compare_all(1, ranks), compare_all(2, ranks + others), compare_all(4, ranks[:2]))
    assert worst < 1e-5, worst


if __name__ == "__main__":
    sys.exit(main())
