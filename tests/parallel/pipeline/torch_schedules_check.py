"""Our schedules against torch.distributed.pipelining: it reads, validates and lowers our CSV, and its CSVs parse, validate and simulate here.

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
ONE_CHUNK = ("gpipe", "1f1b", "zb-h1", "zb-h2")
LOOPS = ("interleaved-1f1b", "looped-bfs", "interleaved-zb")
VS = ("zbv", "v-half", "v-min", "dualpipev")


def run(*words):
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def ours(command, name, ranks, chunks, microbatches):
    code, text, error = run(command, name, ranks, chunks, microbatches)
    assert code == 0, f"{command} {name} {ranks} x {chunks}, {microbatches}: {error}"
    return text


def cells(text):
    """Rank -> what its cells say, without the idle ones."""
    return [[cell for cell in row if cell] for row in csv.reader(io.StringIO(text))]


class File:
    """A schedule in a file that lives as long as the block."""

    def __init__(self, rows):
        self.rows = rows

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "schedule.csv")
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows(self.rows)
        return path

    def __exit__(self, *_):
        self.folder.cleanup()


def without_overlap(order):
    """The pairs one after the other, for torch's simulator, which knows no overlap."""
    return {
        rank: [part for action in actions for part in ((action.sub_actions if action else None) or (action,))]
        for rank, actions in order.items()
    }


def torch_accepts(name, ranks, chunks, microbatches):
    """torch's run time loads our text: parses every cell as it stands, validates the order, places sends, receives and reductions."""
    text = ours("write", name, ranks, chunks, microbatches)
    stages = ranks * (2 if name in VS else chunks)
    runtime = object.__new__(torch_schedules._PipelineScheduleRuntime)
    runtime.pp_group_size, runtime._num_stages, runtime._n_microbatches = ranks, stages, microbatches
    runtime._stages, runtime.pipeline_order = [], {}
    rows = list(csv.reader(io.StringIO(text)))
    with File(rows) as path:
        runtime._load_csv(path)
    for rank, row in enumerate(rows):
        assert ["" if action is None else str(action) for action in runtime.pipeline_order[rank]] == row
    placement = runtime.stage_index_to_group_rank
    fold = lambda s: 2 * ranks - 1 - s if name in VS and s >= ranks else s % ranks
    assert placement == {stage: fold(stage) for stage in range(stages)}, f"{name}: {placement}"
    lowered = torch_schedules._add_send_recv(without_overlap(runtime.pipeline_order), placement.__getitem__, stages)
    torch_schedules._simulate_comms_compute(lowered, placement.__getitem__, stages)


def torch_order(kind, ranks, chunks, microbatches):
    """What a torch schedule of this class plans, without its stages and process group."""
    schedule = object.__new__(kind)
    schedule.pp_group_size = ranks
    schedule._n_microbatches = microbatches
    schedule._num_stages = schedule.num_stages = ranks * chunks
    schedule._stages = [None] * chunks
    schedule.n_local_stages = chunks
    schedule.microbatches_per_round = microbatches // max(1, microbatches // ranks)
    if kind in (torch_schedules.ScheduleGPipe, torch_schedules.Schedule1F1B):
        order = schedule._get_pipeline_order()
        compute = lambda a: a if a is None or a.computation_type.value in "FIWB" else None
        return {rank: [compute(action) for action in actions] for rank, actions in order.items()}
    order = {rank: schedule._calculate_single_rank_operations(rank) for rank in range(ranks)}
    if kind is torch_schedules.ScheduleInterleavedZeroBubble:
        schedule.pipeline_order = order
        order = schedule._add_bubbles_to_actions(ranks * chunks)
    return order


def rows_of(order):
    return [["" if action is None else str(action) for action in order[rank]] for rank in sorted(order)]


def same_one_f_one_b(ranks, microbatches):
    """torch's 1F1B is ours, but for its last rank, which in torch 2.11 starts at micro-batch 1: ours refuses that."""
    rows = rows_of(torch_order(torch_schedules.Schedule1F1B, ranks, 1, microbatches))
    theirs = [[cell for cell in row if cell] for row in rows]
    mine = cells(ours("write", "1f1b", ranks, 1, microbatches))
    assert theirs[:-1] == mine[:-1]
    with File(rows) as path:
        code, _, error = run("measure", f"csv:{path}", ranks, 1, microbatches)
    if theirs[-1] != mine[-1]:
        assert code == 2 and f"rank {ranks - 1}: {ranks - 1}F0 is missing" in error, error


def we_accept(kind, ranks, chunks, microbatches, expected=(None, None), name=None):
    """We read torch's order and write it back cell by cell; makespan and peaks are the expected ones (None: any); it is our schedule
    of that name (None: of none)."""
    rows = rows_of(torch_order(kind, ranks, chunks, microbatches))
    theirs = [[cell for cell in row if cell] for row in rows]
    what = f"{kind.__name__} {ranks} x {chunks}, {microbatches}"
    with File(rows) as path:
        assert cells(ours("write", f"csv:{path}", ranks, chunks, microbatches)) == theirs, what
        makespan, *peaks = map(float, ours("measure", f"csv:{path}", ranks, chunks, microbatches).split())
    for value, actual, wanted in zip(("makespan", "peaks"), (makespan, peaks), expected):
        assert wanted is None or actual == wanted, f"{what}: {value} {actual}, not {wanted}"
    if name is not None:
        assert cells(ours("write", name, ranks, chunks, microbatches)) == theirs, f"{what} is not our {name}"


def main():
    sizes = tuple(itertools.product((1, 2, 3, 4, 7), (1, 2, 3, 8, 13)))
    for ranks, microbatches in sizes:
        for name in ONE_CHUNK + VS:
            torch_accepts(name, ranks, 1, microbatches)
        for name, chunks in itertools.product(LOOPS, (1, 2, 3)):
            torch_accepts(name, ranks, chunks, microbatches)

    for ranks, microbatches in ((2, 2), (4, 8), (5, 5)):
        same_one_f_one_b(ranks, microbatches)

    s = torch_schedules
    for ranks, rounds, chunks in itertools.product((2, 3, 4, 6), (1, 2, 3), (2, 3)):
        we_accept(s.ScheduleInterleaved1F1B, ranks, chunks, ranks * rounds, name="interleaved-1f1b")
        we_accept(s.ScheduleInterleavedZeroBubble, ranks, chunks, ranks * rounds, name="interleaved-zb")
        we_accept(s.ScheduleLoopedBFS, ranks, chunks, ranks * rounds + 1)  # goes back from the last micro-batch, ours from the first
    we_accept(s.ScheduleInterleaved1F1B, 3, 2, 8, name="interleaved-1f1b")  # two rounds of 4
    we_accept(s.ScheduleInterleavedZeroBubble, 3, 2, 8, name="interleaved-zb")
    for ranks, more in itertools.product((1, 2, 3, 4, 6), (0, 1, 5)):
        we_accept(s.ScheduleGPipe, ranks, 1, ranks + more, name="gpipe")
        we_accept(s.ScheduleZBVZeroBubble, ranks, 2, ranks + more, name="zbv")
        we_accept(s.ScheduleDualPipeV, ranks, 2, 2 * ranks + more, name="dualpipev")

    # Makespans and peaks at F = I = W = 1 per rank, from an independent event simulation (p = 4).
    we_accept(s.ScheduleGPipe, 4, 1, 8, (33, [8, 8, 8, 8]))
    we_accept(s.ScheduleInterleaved1F1B, 4, 2, 8, (28.5, [5.5, 4.5, 3.5, 2.5]))
    we_accept(s.ScheduleInterleaved1F1B, 4, 2, 16, (52.5, None))
    we_accept(s.ScheduleLoopedBFS, 4, 2, 8, (28.5, [8, 8, 8, 8]))
    we_accept(s.ScheduleLoopedBFS, 4, 2, 16, (52.5, [16, 16, 16, 16]))
    we_accept(s.ScheduleZBVZeroBubble, 4, 2, 8, (25.5, [4, 4, 4, 4]))
    we_accept(s.ScheduleZBVZeroBubble, 4, 2, 16, (49.5, [4, 4, 4, 4]))
    we_accept(s.ScheduleDualPipeV, 4, 2, 8, (27, [4.5, 4.5, 4.5, 4.5]))
    we_accept(s.ScheduleDualPipeV, 4, 2, 16, (51, [4.5, 4.5, 4.5, 4.5]))
    print("torch_schedules_check: all agree")


if __name__ == "__main__":
    main()
