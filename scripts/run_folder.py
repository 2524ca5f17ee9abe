"""Reads a run folder: run.json, metrics.jsonl, events.jsonl, traces/, as trainer/observe writes them."""

import dataclasses
import json
import pathlib
import re

VALIDATION = "validation_metrics/global_avg_loss"


@dataclasses.dataclass
class Run:
    """What is in a run folder. `missing` says in words what is not."""
    path: pathlib.Path
    name: str
    starts: list = dataclasses.field(default_factory=list)   # facts of each start, the last is the current one
    steps: list = dataclasses.field(default_factory=list)    # one dict a step, ascending
    events: list = dataclasses.field(default_factory=list)
    trace_step: int = -1
    spans: list = dataclasses.field(default_factory=list)    # (rank, track, name, kind, start ms, end ms)
    config: str = ""
    missing: list = dataclasses.field(default_factory=list)

    def series(self, metric):
        """Steps and values where the metric was measured."""
        points = [(row["step"], row[metric]) for row in self.steps if isinstance(row.get(metric), (int, float))]
        return [x for x, _ in points], [y for _, y in points]

    def evaluations(self):
        """Steps and validation losses: of metrics.jsonl, and of events, where a resume cancels what lies beyond it."""
        at_step = dict(zip(*self.series(VALIDATION)))
        of_events = {}
        for event in self.events:
            step = event.get("step", 0)
            if event["event"] in ("start", "resume"):
                of_events = {known: loss for known, loss in of_events.items() if known <= step}
            if isinstance(event.get(VALIDATION), (int, float)):
                of_events[step] = event[VALIDATION]
        at_step |= of_events
        return sorted(at_step), [at_step[step] for step in sorted(at_step)]

    def names(self, prefix, suffix=""):
        """Metrics that begin and end so, in the order they appear."""
        seen = dict.fromkeys(key for row in self.steps for key in row)
        return [name for name in seen if name.startswith(prefix) and name.endswith(suffix)]


class NotARun(Exception):
    pass


def read_run(path):
    """Throws NotARun, one line, when the folder holds nothing of a run."""
    path = pathlib.Path(path)
    if not path.is_dir():
        raise NotARun(f"{path}: {'not a folder' if path.exists() else 'no such folder'}")
    run = Run(path=path, name=path.resolve().name)
    if not any((path / name).exists() for name in ("metrics.jsonl", "events.jsonl", "run.json", "traces")):
        raise NotARun(f"{path}: not a run folder (no metrics.jsonl, events.jsonl, run.json or traces)")
    _read_facts(run)
    run.steps = current_steps(_json_lines(run, "metrics.jsonl"))
    run.events = [event for event in _json_lines(run, "events.jsonl") if "event" in event]
    _read_last_trace(run)
    config = path / "config.resolved.toml"
    if config.exists():
        run.config = config.read_text(errors="replace")
    return run


def current_steps(lines):
    """The curve of the run as it stands: a line cancels every earlier line of the same or a later step."""
    rows = []
    for line in lines:
        if not isinstance(line.get("step"), int):
            continue
        while rows and rows[-1]["step"] >= line["step"]:
            rows.pop()
        rows.append(line)
    return rows


def _json_lines(run, name):
    path = run.path / name
    if not path.exists():
        run.missing.append(f"no {name}")
        return []
    objects, torn = [], 0
    for line in path.read_text(errors="replace").splitlines():
        try:
            value = json.loads(line) if line.strip() else None
        except ValueError:
            torn += 1
            continue
        if isinstance(value, dict):
            objects.append(value)
    if torn:
        run.missing.append(f"{name}: {torn} torn line{'s' if torn > 1 else ''} skipped")
    return objects


def _read_facts(run):
    path = run.path / "run.json"
    if not path.exists():
        run.missing.append("no run.json")
        return
    try:
        run.starts = [start for start in json.loads(path.read_text())["starts"] if isinstance(start, dict)]
    except (ValueError, KeyError, TypeError):
        run.missing.append("run.json is not readable")


def _read_last_trace(run):
    traces = {}
    for path in (run.path / "traces").glob("step-*.json"):
        if match := re.fullmatch(r"step-(\d+)\.json", path.name):
            traces[int(match[1])] = path
    for step in sorted(traces, reverse=True):
        try:
            run.spans = _spans(json.loads(traces[step].read_text()))
            run.trace_step = step
            return
        except (ValueError, KeyError, TypeError):
            run.missing.append(f"traces/{traces[step].name} is not readable")
    run.missing.append("no traces")


def _spans(trace):
    tracks = {(event["pid"], event["tid"]): event["args"]["name"]
              for event in trace["traceEvents"] if event["ph"] == "M" and event["name"] == "thread_name"}
    return [(event["pid"], tracks[event["pid"], event["tid"]], event["name"], event.get("cat", ""),
             event["ts"] / 1e3, (event["ts"] + event["dur"]) / 1e3)
            for event in trace["traceEvents"] if event["ph"] == "X"]
