"""Our schedules against torch.distributed.pipelining: it accepts and simulates our CSV, and its CSVs parse, validate and simulate here.

Usage: torch_schedules_check.py SCHEDULE_CSV_BINARY
"""

import csv
import io
import itertools
import os
import subprocess
import sys
import tempfile

import torch.distributed.pipelining.schedules as torch_schedules

BINARY = sys.argv[1]


def run(*words):
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def parse_by_torch(text):
    """Rank -> actions, None where idle; every action must print as it was read."""
    order = {}
    for rank, row in enumerate(csv.reader(io.StringIO(text))):
        order[rank] = [torch_schedules._Action.from_str(cell) for cell in row]
        assert ["" if action is None else str(action) for action in order[rank]] == row
    return order


def torch_accepts(name, ranks, microbatches):
    code, text, error = run("write", name, ranks, microbatches)
    assert code == 0, error
    order = parse_by_torch(text)
    placement = torch_schedules._validate_schedule(order, ranks, ranks, microbatches)
    assert placement == {stage: stage for stage in range(ranks)}
    lowered = torch_schedules._add_send_recv(order, placement.__getitem__, ranks)
    torch_schedules._simulate_comms_compute(lowered, placement.__getitem__, ranks)


def torch_order(kind, ranks, chunks, microbatches):
    """What a torch schedule of this class plans, without its stages and process group."""
    schedule = object.__new__(kind)
    schedule.pp_group_size = ranks
    schedule._n_microbatches = microbatches
    schedule._num_stages = schedule.num_stages = ranks * chunks
    schedule._stages = [None] * chunks
    schedule.n_local_stages = chunks
    schedule.microbatches_per_round = microbatches // max(1, microbatches // ranks)
    if kind is torch_schedules.ScheduleGPipe:
        order = schedule._get_pipeline_order()
        compute = lambda a: a if a is None or a.computation_type.value in "FIWB" else None
        return {rank: [compute(action) for action in actions] for rank, actions in order.items()}
    order = {rank: schedule._calculate_single_rank_operations(rank) for rank in range(ranks)}
    if kind is torch_schedules.ScheduleInterleavedZeroBubble:
        schedule.pipeline_order = order
        order = schedule._add_bubbles_to_actions(ranks * chunks)
    return order


def same_one_f_one_b(ranks, microbatches):
    """torch's 1F1B is ours, but for its last rank, which in torch 2.11 starts at micro-batch 1: ours refuses that."""
    schedule = object.__new__(torch_schedules.Schedule1F1B)
    schedule._num_stages, schedule._n_microbatches = ranks, microbatches
    order = schedule._get_pipeline_order()
    rows = [[str(a) for a in order[rank] if a is not None and a.microbatch_index is not None] for rank in order]
    ours = [
        [str(a) for a in actions if a is not None]
        for actions in parse_by_torch(run("write", "1f1b", ranks, microbatches)[1]).values()
    ]
    assert rows[:-1] == ours[:-1]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "torch.csv")
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows(rows)
        code, _, error = run("read", path, ranks, 1, microbatches)
    if rows[-1] != ours[-1]:
        assert code == 2 and f"rank {ranks - 1}: {ranks - 1}F0 is missing" in error, error


def we_accept(kind, ranks, chunks, microbatches, expected):
    """Our reading is torch's order; makespan and peaks are the expected ones (None: any)."""
    order = torch_order(kind, ranks, chunks, microbatches)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "torch.csv")
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            for rank in order:
                writer.writerow("" if action is None else action for action in order[rank])
        code, text, error = run("read", path, ranks, chunks, microbatches)
    assert code == 0, f"{kind.__name__} {ranks} x {chunks}, {microbatches}: {error}"
    numbers, *rows = text.splitlines()
    assert rows == [" ".join(str(a) for a in order[rank] if a is not None) for rank in order]
    makespan, *peaks = map(float, numbers.split())
    for name, actual, wanted in zip(("makespan", "peaks"), (makespan, peaks), expected):
        assert wanted is None or actual == wanted, f"{kind.__name__}: {name} {actual}, not {wanted}"


def main():
    for name, ranks, microbatches in itertools.product(("gpipe", "1f1b"), (1, 2, 3, 4, 7), (1, 2, 3, 8, 13)):
        torch_accepts(name, ranks, microbatches)

    for ranks, microbatches in ((2, 2), (4, 8), (5, 5)):
        same_one_f_one_b(ranks, microbatches)

    # Makespans and peaks at F = I = W = 1 per rank, from an independent event simulation (p = 4).
    s = torch_schedules
    we_accept(s.ScheduleGPipe, 4, 1, 8, (33, [8, 8, 8, 8]))
    we_accept(s.ScheduleInterleaved1F1B, 4, 2, 8, (28.5, [5.5, 4.5, 3.5, 2.5]))
    we_accept(s.ScheduleInterleaved1F1B, 4, 2, 16, (52.5, None))
    we_accept(s.ScheduleLoopedBFS, 4, 2, 8, (28.5, [8, 8, 8, 8]))
    we_accept(s.ScheduleLoopedBFS, 4, 2, 16, (52.5, [16, 16, 16, 16]))
    we_accept(s.ScheduleZBVZeroBubble, 4, 2, 8, (25.5, [4, 4, 4, 4]))
    we_accept(s.ScheduleZBVZeroBubble, 4, 2, 16, (49.5, [4, 4, 4, 4]))
    we_accept(s.ScheduleInterleavedZeroBubble, 4, 2, 8, (None, None))
    print("torch_schedules_check: all agree")


if __name__ == "__main__":
    main()
