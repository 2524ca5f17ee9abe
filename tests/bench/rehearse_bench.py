"""Rehearsals on paced ranks against what the simulator predicts for them: 4, 8 and 16 ranks on this machine and on as many pretend hosts
with shaped links (scripts/lab), and the search against zb-h1 where every hop takes half a forward.

usage: source scripts/env.sh
       SPILLWAY_BINARY=build/release/spillway SPILLWAY_MPIRUN=$(command -v mpirun) $SPILLWAY_CHECKS/bin/python tests/bench/rehearse_bench.py
Shaped links need root and network namespaces; wants two cores that nothing else uses; takes about four minutes.

A forward takes 30 ms, as do the input and the weight half of its backward; an edge carries 256 KiB. In the shaped runs each rank has a host
of its own, with a link of 200 Mbit/s: edges that share a link are not predicted.
Prints one JSON line, and a table on stderr: for each case the predicted makespan, the median of the measured ones (seconds), and the error
(measured / predicted - 1), whose bar is 3 % for local and 8 % for shaped links. `auto_over_zb_h1`: zb-h1's median over auto's, 4 stages,
8 micro-batches, hop = half a forward, memory for 6; bar 1.1."""

import json
import pathlib
import statistics
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parents[1]), str(pathlib.Path(__file__).parents[1] / "compression")]
import launch
import predicted_and_measured as truth

SCHEDULES, RANKS, STEPS = ("1f1b", "zb-h1", "zbv"), (4, 8, 16), 7
RATE, BARS, AUTO_BAR = "200mbit", {"local": 0.03, "shaped": 0.08}, 1.1


def words(stages, schedule, microbatches, *more, edge_bytes=256 << 10):
    return ("rehearse", f"--parallel.stages={stages}", f"--parallel.schedule={schedule}", f"--parallel.microbatches={microbatches}",
            "--costs", "F=1,I=1,W=1", "--unit", "30ms", "--edge-bytes", edge_bytes, "--steps", STEPS, "--format", "json", *more)


def local(ranks, *command):
    process = launch.mpi_spillway(ranks, *command, limit=120)
    if process.returncode != 0:
        raise RuntimeError(process.stderr)
    return json.loads(process.stdout)


def report(kind, ranks, schedule, result):
    measured = statistics.median(result["makespans"])
    row = {"links": kind, "ranks": ranks, "schedule": schedule, "predicted": result["predicted_makespan"], "measured": measured,
           "error": measured / result["predicted_makespan"] - 1}
    print(f"{kind:7} {ranks:2} ranks {schedule:6} predicted {1e3 * row['predicted']:7.1f} ms, measured {1e3 * measured:7.1f} ms, "
          f"{100 * row['error']:+5.1f} %", file=sys.stderr, flush=True)
    return row


def shaped():
    """The cases on pretend hosts; none where the machine allows none."""
    rows = []
    for ranks in RANKS:
        try:
            with truth.Hosts(ranks, RATE) as lab:
                for schedule in SCHEDULES:
                    result = lab.spillway(*words(ranks, schedule, ranks), limit=120)
                    rows.append(report("shaped", ranks, schedule, result))
        except truth.NoLab as reason:
            print(f"shaped links skipped: {reason}", file=sys.stderr)
            return rows
    return rows


def auto_over_zb_h1():
    """On links that delay every packet by half a forward; None where the machine allows none."""
    median = {}
    try:
        with truth.Hosts(4, None, delay="15ms") as lab:
            for schedule in ("zb-h1", "auto"):
                result = lab.spillway(*words(4, schedule, 8, "--parallel.memory_cap=6", edge_bytes=1024), limit=120)
                row = report("delayed", 4, schedule, result)
                median[schedule] = row["measured"]
    except truth.NoLab as reason:
        print(f"delayed links skipped: {reason}", file=sys.stderr)
        return None
    return median["zb-h1"] / median["auto"]


def main():
    rows = [report("local", ranks, schedule, local(ranks, *words(ranks, schedule, ranks))) for ranks in RANKS for schedule in SCHEDULES]
    rows += shaped()
    ratio = auto_over_zb_h1()
    met = all(abs(row["error"]) <= BARS[row["links"]] for row in rows) and (ratio is None or ratio >= AUTO_BAR)
    print(json.dumps({"met": met, "bars": BARS, "cases": rows, "auto_over_zb_h1": ratio, "auto_bar": AUTO_BAR}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
