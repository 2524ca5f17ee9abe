"""What `spillway compress advise` predicts and `spillway compress sweep` measures, on pretend hosts with one link rate."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
import launch

LAB = pathlib.Path(os.environ.get("SPILLWAY_SOURCE", pathlib.Path(__file__).parents[2])) / "scripts" / "lab"


class NoLab(Exception):
    """This machine allows no pretend hosts; says why."""


class Hosts:
    """Pretend hosts joined by links of one rate ("200mbit"; None: no limit) and delay ("1ms"), one rank each."""

    def __init__(self, count, rate, delay=None):
        self.count, self.environment = count, os.environ | {"SPILLWAY_LAB": f"measured-{os.getpid()}"}
        up = self.lab("up", count, *(["--rate", rate] if rate else []), *(["--delay", delay] if delay else []))
        if up.returncode == 77:
            raise NoLab(up.stderr.strip())
        if up.returncode != 0:
            raise RuntimeError(up.stderr)

    def lab(self, *words, limit=60):
        return subprocess.run(["timeout", "-k", "5", str(limit), LAB, *map(str, words)], text=True, capture_output=True, env=self.environment)

    def spillway(self, *words, limit):
        done = self.lab("run", "-np", self.count, "--mpirun", f"--timeout {limit}", launch.BINARY, *words, limit=limit + 10)
        if done.returncode != 0:
            raise RuntimeError(f"spillway {' '.join(map(str, words[:2]))}: exit code {done.returncode}: {done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def sweep(self, cells, folder, steps, settings, limit):
        """What `compress sweep` prints of every cell: medians of its steps."""
        return self.spillway("compress", "sweep", "--format", "json", "--cells", cells, "--out", folder, "--steps", steps,
                             "--reference-every", 0, *settings, limit=limit)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def down(self):
        self.lab("down")


def sweep_settings(corpus, model):
    return [word for word in launch.small_model(corpus, "", **model) if not word.startswith("--run.steps")]


def compare(corpus, rate, cells, model, steps, limit, hosts=2):
    """{"rate", "link", "cells": [{name, predicted, measured, error}], "winner_right"}; seconds, errors relative to what was measured.

    The predicted winner is wrong where another cell was more than 10 % faster than it."""
    settings = sweep_settings(corpus, model)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="spillway-advise-"))
    try:
        with Hosts(hosts, rate) as lab:
            advice = lab.spillway("compress", "advise", "--format", "json", "--cells", cells, *settings, limit=limit)
            measured = lab.sweep(cells, folder, steps, settings, limit)
    finally:
        shutil.rmtree(folder)
    seconds = {cell["name"]: cell["step_seconds"] for cell in measured}
    rows = [{"name": one["name"], "predicted": one["step_seconds"], "measured": seconds[one["name"]],
             "error": one["step_seconds"] / seconds[one["name"]] - 1} for one in advice["methods"]]
    winner = min(rows, key=lambda row: row["predicted"])
    return {"rate": rate or "unshaped", "link": advice["link"], "base": advice["base"], "cells": rows, "winner": winner["name"],
            "winner_right": winner["measured"] <= 1.1 * min(seconds.values())}


def table(result):
    lines = [f"{result['rate']}: link measured {result['link']['bits_per_second'] / 1e6:.1f} Mbit/s, "
             f"{1e6 * result['link']['latency_seconds']:.0f} us; predicted winner {result['winner']}, "
             f"{'right' if result['winner_right'] else 'WRONG'}"]
    for row in result["cells"]:
        lines.append(f"  {row['name']:48} predicted {1e3 * row['predicted']:8.1f} ms, measured {1e3 * row['measured']:8.1f} ms, "
                     f"{100 * row['error']:+6.1f} %")
    return "\n".join(lines)
