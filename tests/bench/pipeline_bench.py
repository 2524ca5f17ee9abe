"""Pipeline training side by side with torch.distributed.pipelining (over gloo), on 2 ranks of one thread each, and on one rank.

usage: source scripts/env.sh
       SPILLWAY_BINARY=build/release/spillway SPILLWAY_MPIRUN=$(command -v mpirun) $SPILLWAY_CHECKS/bin/python tests/bench/pipeline_bench.py
Wants two cores that nothing else uses; takes about 8 minutes.

The model is a GPT of 8 layers, hidden 256, 4 heads, vocabulary 512 with a head of its own, fp32; a step is 8 micro-batches of 2 x 128
tokens. Every round runs every schedule once on each side (ours: a fresh `spillway train`; theirs: pipeline_peers.py) for STEPS steps, of
which the first WARMUP do not count. Both sides measure a step with gradient norm, clip and fused AdamW, and the makespan of its pipeline
alone (forwards, backwards and messages). The gradient norms of every run must be those of one rank. Of the steps of all rounds only the
third with the fewest busy seconds counts, on both sides alike: the steps that other processes disturbed least. Numbers are medians over it.

Prints one JSON line, and a table on stderr. `ours` and `torch`, for each schedule:
  tokens_per_second     of whole steps
  makespan_seconds      of the pipeline
  spread                how noisy the machine was: (largest - smallest) / median of the rounds' median makespans, all steps counted
  speedup               the side's own one-rank makespan / this one
  ideal_speedup         the same for the makespan that the simulator makes of the step's own F, I and W (messages free)
  of_ideal              simulated makespan / measured one, step by step
`ours_over_torch`: ratio of tokens_per_second. `split_backward_cost`: busy seconds of a schedule with split backward over those of its
twin with the whole one (zb-h1 and 1f1b; interleaved-zb and interleaved-1f1b), minus 1. `zb_h1_over_1f1b`: ratio of our tokens_per_second.
`bars`: value, bar, and whether it is met."""
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

ROUNDS, STEPS, WARMUP = 4, 9, 3
ONE_RANK = "one-rank"
CHUNKS = {"gpipe": 1, "1f1b": 1, "zb-h1": 1, "interleaved-1f1b": 2, "interleaved-zb": 2, "zbv": 1}
PEERS = ("gpipe", "1f1b", "interleaved-1f1b", "interleaved-zb", "zbv")
RANKS, TOKENS = 2, 8 * 2 * 128
MODEL = {"model.layers": 8, "model.hidden": 256, "model.heads": 4, "model.sequence_length": 128, "model.vocabulary": 512,
         "model.tied_embeddings": False, "parallel.microbatches": 8, "parallel.microbatch_size": 2, "precision.mode": "fp32",
         "compression.method": "none", "optimizer.warmup_steps": 0}
median = statistics.median


def shape_of(name):
    """Settings of a schedule on its ranks."""
    if name == ONE_RANK:
        return {"parallel.stages": 1}
    return {"parallel.stages": RANKS, "parallel.schedule": name, "parallel.chunks": CHUNKS[name]}


class Ours:
    names = (ONE_RANK, *CHUNKS)

    def __init__(self, folder):
        self.corpus = launch.build_corpus(folder)
        self.run_dir = folder / "run"

    def steps(self, name):
        shutil.rmtree(self.run_dir, ignore_errors=True)
        settings = launch.small_model(self.corpus, self.run_dir, **MODEL, **shape_of(name), **{"run.steps": STEPS, "run.trace_every": 0})
        subprocess.run(launch.mpi_command(1 if name == ONE_RANK else RANKS, "train", *settings), check=True, stdout=subprocess.DEVNULL)
        rows = [json.loads(line) for line in (self.run_dir / "metrics.jsonl").read_text().splitlines()]
        return [{"seconds": row["time_metrics/end_to_end(s)"],
                 "makespan": row["pipeline/makespan(s)"],
                 "simulated": row["pipeline/predicted_makespan(s)"],
                 "gradient_norm": row["grad_norm"],
                 "busy": sum(value for key, value in row.items() if key.endswith("/busy(s)"))} for row in rows]


class Peers:
    names = (ONE_RANK, *PEERS)

    def __init__(self, folder):
        command = [sys.executable, pathlib.Path(__file__).with_name("pipeline_peers.py")]
        self.log = open(folder / "peers.log", "w+")
        environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo"}
        self.ranks = [subprocess.Popen(["timeout", "-k", "5", "1200", *command, str(rank), folder / "rendezvous"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment) for rank in range(RANKS)]

    def steps(self, name):
        for rank in self.ranks:
            rank.stdin.write(f"{name} {STEPS}\n")
            rank.stdin.flush()
        answers = [rank.stdout.readline() for rank in self.ranks]
        if not all(answers):
            self.log.seek(0)
            raise RuntimeError(f"pipeline_peers.py ended in {name}:\n{self.log.read()[-2000:]}")
        by_rank = [rows for rows in map(json.loads, answers) if rows]
        return [self.merged(name, rows) for rows in zip(*by_rank)]

    def merged(self, name, rows):
        makespan = max(row["makespan"] for row in rows)
        costs = {int(stage): cost for row in rows for stage, cost in row["costs"].items()}
        return {"seconds": max(row["seconds"] for row in rows), "makespan": makespan,
                "simulated": makespan if name == ONE_RANK else simulated_makespan(name, [costs[stage] for stage in sorted(costs)]),
                "gradient_norm": rows[0]["gradient_norm"],
                "busy": sum(row["busy"] for row in rows)}

    def end(self):
        for rank in self.ranks:
            rank.stdin.close()
            rank.wait()


def simulated_makespan(name, costs):
    """Makespan of a schedule whose stages cost [F, I, W] seconds."""
    lists = ",".join(op + "=" + ";".join(format(cost[i], ".9f") for cost in costs) for i, op in enumerate("FIW"))
    settings = [f"--{key}={value}" for key, value in {**shape_of(name), "parallel.microbatches": MODEL["parallel.microbatches"]}.items()]
    process = launch.spillway("plan", "--ranks", RANKS, *settings, "--costs", lists, "--format", "json")
    if process.returncode != 0:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout)["makespan"]


def measure(folder):
    """Side -> schedule -> for each round, the steps that count."""
    sides = {"ours": Ours(folder), "torch": Peers(folder)}
    rounds = {side: {name: [] for name in runner.names} for side, runner in sides.items()}
    for number in range(ROUNDS):
        for name in sides["ours"].names:
            for side, runner in sides.items():
                if name in runner.names:
                    steps = runner.steps(name)
                    one_rank = (rounds[side][ONE_RANK] or [steps])[0]
                    check_training(f"{side} {name}", steps, one_rank)
                    rounds[side][name].append(steps)
        print(f"round {number + 1} of {ROUNDS} done", file=sys.stderr)
    sides["torch"].end()
    return rounds


def check_training(what, steps, one_rank):
    """Every schedule trains the model of one rank."""
    for number, (step, same) in enumerate(zip(steps, one_rank, strict=True)):
        actual, wanted = step["gradient_norm"], same["gradient_norm"]
        if not math.isclose(actual, wanted, rel_tol=1e-2):
            raise RuntimeError(f"{what}, step {number + 1}: gradient norm {actual}, on one rank {wanted}")


def quiet(rounds):
    """The steps in which other load on the machine was least felt: the third with the fewest busy seconds."""
    steps = sorted((step for steps in rounds for step in steps[WARMUP:]), key=lambda step: step["busy"])
    return steps[:max(1, len(steps) // 3)]


def quiet_median(rounds, key):
    return median(step[key] for step in quiet(rounds))


def ratio(above, below, key):
    return quiet_median(above, key) / quiet_median(below, key)


def spread(rounds):
    makespans = [median(step["makespan"] for step in steps[WARMUP:]) for steps in rounds]
    return (max(makespans) - min(makespans)) / median(makespans)


def summary(rounds, one_rank):
    return {"tokens_per_second": TOKENS / quiet_median(rounds, "seconds"),
            "makespan_seconds": quiet_median(rounds, "makespan"),
            "spread": spread(rounds),
            "speedup": ratio(one_rank, rounds, "makespan"),
            "ideal_speedup": quiet_median(one_rank, "makespan") / quiet_median(rounds, "simulated"),
            "of_ideal": median(step["simulated"] / step["makespan"] for step in quiet(rounds))}


def bars_of(result):
    values = {f"{name} of_ideal": (result["ours"][name]["of_ideal"], ">=", 0.98) for name in CHUNKS}
    values.update({f"{name} ours_over_torch": (value, ">=", 1.0) for name, value in result["ours_over_torch"].items()})
    values["split_backward_cost"] = (result["split_backward_cost"]["ours"]["zb-h1"], "<=", 0.02)
    values["zb_h1_over_1f1b"] = (result["zb_h1_over_1f1b"], ">=", 1.05)
    return {name: {"value": value, "bar": f"{sign} {bar}", "met": value >= bar if sign == ">=" else value <= bar}
            for name, (value, sign, bar) in values.items()}


def evaluate(rounds):
    ours, torch = rounds["ours"], rounds["torch"]
    split = lambda side, split_name, whole_name: ratio(side[split_name], side[whole_name], "busy") - 1
    result = {"bench": "pipeline", "rounds": ROUNDS, "steps": STEPS - WARMUP, "tokens_per_step": TOKENS}
    for side, by_name in rounds.items():
        result[side] = {name: summary(by_name[name], by_name[ONE_RANK]) for name in by_name}
    result["ours_over_torch"] = {name: ratio(torch[name], ours[name], "seconds") for name in torch}
    result["split_backward_cost"] = {
        "ours": {"zb-h1": split(ours, "zb-h1", "1f1b"), "interleaved-zb": split(ours, "interleaved-zb", "interleaved-1f1b")},
        "torch": {"interleaved-zb": split(torch, "interleaved-zb", "interleaved-1f1b")}}
    result["zb_h1_over_1f1b"] = ratio(ours["1f1b"], ours["zb-h1"], "seconds")
    result["bars"] = bars_of(result)
    return result


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def print_table(result):
    print(f"{'schedule':18}{'side':7}{'tokens/s':>9}{'makespan':>10}{'spread':>8}{'speed-up':>9}{'ideal':>7}{'of ideal':>9}", file=sys.stderr)
    for name in result["ours"]:
        for side in ("ours", "torch"):
            if row := result[side].get(name):
                print(f"{name:18}{side:7}{row['tokens_per_second']:9.0f}{row['makespan_seconds']:9.4f}s{row['spread']:8.1%}"
                      f"{row['speedup']:9.3f}{row['ideal_speedup']:7.3f}{row['of_ideal']:9.1%}", file=sys.stderr)
    for name, bar in result["bars"].items():
        print(f"{'met   ' if bar['met'] else 'MISSED'} {name}: {bar['value']:.4f} {bar['bar']}", file=sys.stderr)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-pipeline-bench-"))
    try:
        result = evaluate(measure(folder))
    finally:
        shutil.rmtree(folder)
    print_table(result)
    print(json.dumps(rounded(result)))


if __name__ == "__main__":
    main()
