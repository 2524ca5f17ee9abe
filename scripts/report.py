#!/usr/bin/env python3
"""Makes one HTML page, readable without a network, of one or several runs.

usage: report.py RUN... [-o FILE]      FILE: default report.html in the first run's folder
"""

import argparse
import html
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run_folder  # noqa: E402

try:
    import report_figures as figures
    from plotly.offline import get_plotlyjs
except ImportError as error:
    sys.exit(f"report.py: {error}; run `source scripts/env.sh` first")

STYLE = """
:root { --ink: #1d2733; --soft: #5b6b7c; --line: #dde3ea; --paper: #fff; --ground: #f4f6f8; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
       font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 2px; } h2 { font-size: 18px; margin: 0 0 4px; } h3 { font-size: 15px; margin: 10px 0 0; }
p { margin: 0 0 8px; } .soft { color: var(--soft); }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 18px 20px; margin-top: 18px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 10px 0 4px; }
.tile { border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; background: var(--ground); }
.tile b { display: block; font-size: 21px; font-variant-numeric: tabular-nums; } .tile span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.warning { color: #a85b00; } .fault { color: #b3261e; font-weight: 600; }
.missing { color: #a85b00; margin: 4px 0; }
pre { overflow-x: auto; font-size: 13px; background: var(--ground); padding: 12px; border-radius: 6px; }
summary { cursor: pointer; color: var(--accent); }
"""


def number(value, digits=4):
    """12345.6 -> 12,346; 0.012345 -> 0.01234; None -> a dash."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def last(run, metric):
    values = run.series(metric)[1]
    return values[-1] if values else None


def middle(run, metric):
    values = run.series(metric)[1]
    return statistics.median(values) if values else None


def count(run, *events):
    return sum(event["event"] in events for event in run.events)


def rehearsed(run):
    """It has no model: `spillway rehearse`."""
    return bool(run.starts) and run.starts[-1].get("command", [])[1:2] == ["rehearse"]


def milliseconds(seconds):
    return "–" if seconds is None else number(1e3 * seconds) + " ms"


def tiles(run):
    saved, lost = count(run, "checkpoint_saved"), count(run, "checkpoint_failed")
    checkpoints = "–" if rehearsed(run) else f"{saved}" + (f", {lost} failed" if lost else "")
    shown = [
        ("steps", number(run.steps[-1]["step"]) if run.steps else "–"),
        ("last loss", number(last(run, figures.LOSS))),
        ("last validation loss", number((run.evaluations()[1] or [None])[-1])),
        ("tokens/s, median", number(middle(run, figures.TOKENS))),
        ("MFU, median", number(middle(run, "mfu(%)"), 3) + " %"),
        ("makespan, median", milliseconds(middle(run, "pipeline/makespan(s)"))),
        ("makespan predicted, median", milliseconds(middle(run, "pipeline/predicted_makespan(s)"))),
        ("bubble, median", number(middle(run, "pipeline/bubble(%)"), 3) + " %"),
        ("compression, median", number(middle(run, figures.RATIO), 3) + " ×"),
        ("checkpoints saved", checkpoints),
    ]
    cells = "".join(f'<div class="tile"><b>{html.escape(value)}</b><span>{label}</span></div>'
                    for label, value in shown if not value.startswith("–"))
    return f'<h2>{html.escape(run.name)}</h2><div class="tiles">{cells}</div>{notes(run)}'


def notes(run):
    if not run.missing:
        return ""
    return f'<p class="missing">Missing in {html.escape(str(run.path))}: {html.escape("; ".join(run.missing))}.</p>'


def plain(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(plain, value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number(value)
    return str(value)


def host_text(host):
    ranks = host.get("ranks", [])
    return f"{host.get('name')} ({host.get('cpu')}, {host.get('cores')} cores; rank{'s' if len(ranks) > 1 else ''} {plain(ranks)})"


def facts(run):
    """Rows of the table of run facts, in order."""
    rows = {"folder": str(run.path)}
    if run.starts:
        start = dict(run.starts[-1])
        rows["started"] = run.starts[0].get("utc", "")
        rows["resumed"] = ", ".join(f"after step {one.get('first_step')} ({one.get('utc')})" for one in run.starts[1:])
        rows["hosts"] = "; ".join(map(host_text, start.pop("hosts", [])))
        rows |= {key.replace("_", " "): plain(value) for key, value in start.items() if key not in ("utc", "first_step")}
    rows["tokens trained on"] = number(last(run, "n_tokens_seen"))
    rows["steps skipped"] = number(sum(run.series("numerics/skipped")[1]))
    rows["predicted bubble"] = number(last(run, "pipeline/predicted_bubble(%)"), 3) + " %"
    return {key: value for key, value in rows.items() if value and not value.startswith("–")}


def facts_table(runs):
    tables = [facts(run) for run in runs]
    keys = dict.fromkeys(key for table in tables for key in table)
    head = "".join(f"<th>{html.escape(run.name)}</th>" for run in runs)
    body = "".join(f"<tr><th>{html.escape(key)}</th>" + "".join(f"<td>{html.escape(table.get(key, '–'))}</td>" for table in tables) +
                   "</tr>" for key in keys)
    configs = "".join(f"<details><summary>Configuration of {html.escape(run.name)}</summary><pre>{html.escape(run.config)}</pre></details>"
                      for run in runs if run.config)
    return f'<div class="scroll"><table><tr><th></th>{head}</tr>{body}</table></div>{configs}'


def events_table(run, most=60):
    shown = run.events[-most:]
    rows = "".join(f'<tr class="{html.escape(event.get("level", ""))}"><td>{html.escape(event.get("utc", ""))}</td>'
                   f'<td>{event.get("step", "")}</td><td>{html.escape(event["event"])}</td>'
                   f'<td>{html.escape(event.get("message", ""))}</td></tr>' for event in shown)
    cut = f'<p class="soft">The last {most} of {len(run.events)}.</p>' if len(run.events) > most else ""
    return (f'<h2>{html.escape(run.name)}</h2>{cut}<div class="scroll"><table><tr><th>time</th><th>step</th><th>event</th><th></th></tr>'
            f"{rows}</table></div>")


def section(title, explanation, content):
    return f'<section><h2>{title}</h2><p class="soft">{explanation}</p>{content}</section>' if content else ""


def absent(title, what):
    return section(title, "", f'<p class="missing">Not shown: {what}.</p>')


def one_each(runs, draw):
    """A figure a run, headed by its name when there are several."""
    drawn = [(run, draw(run)) for run in runs]
    return [(f"<h3>{html.escape(run.name)}</h3>" if len(runs) > 1 else "", figure) for run, figure in drawn]


def figure_sections(runs):
    parts = [
        ("Loss", "Mean over all ranks; dots are evaluations on held-out samples, dotted lines are resumes.",
         [("", figures.loss(runs))], "no run has a loss in metrics.jsonl"),
        ("Tokens per second", "Of all ranks together; bold is the running median of 15 steps.",
         [("", figures.throughput(runs))], f"no run has {figures.TOKENS} in metrics.jsonl"),
        ("Where a step's time goes", "Means of neighbouring steps where there are many; “other” is what no part accounts for.",
         one_each(runs, figures.step_time), "no run has time_metrics in metrics.jsonl"),
        ("Pipeline timeline", "What the simulator predicted, above what was clocked, on one time axis.",
         one_each(runs, figures.timeline), "no run has a trace in traces/"),
        ("Gradient compression", "Bytes of the gradients as fp32 over bytes sent, and the norm of what was kept back.",
         [("", figures.compression(runs))], "no run has compress/ratio or compress/error_norm in metrics.jsonl"),
        ("Mutation mix", "Share of the samples of all steps, by category.",
         [("", figures.mixture(runs))], "no run has data/mix in metrics.jsonl"),
    ]
    training_only = ("Loss", "Tokens per second", "Gradient compression", "Mutation mix")
    for title, explanation, drawn, reason in parts:
        if title in training_only and all(map(rehearsed, runs)):
            continue
        drawn = [head + figures.to_html(figure) for head, figure in drawn if figure is not None]
        yield section(title, explanation, "".join(drawn)) if drawn else absent(title, reason)


def page(runs):
    names = ", ".join(run.name for run in runs)
    body = ["<section>" + "".join(map(tiles, runs)) + "</section>", *figure_sections(runs),
            section("Run facts", "", facts_table(runs)),
            section("Events", "", "".join(events_table(run) for run in runs if run.events))]
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Spillway: {html.escape(names)}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>"
            f'<body><main><h1>Spillway run report</h1><p class="soft">{html.escape(names)}</p>{"".join(body)}</main></body></html>')


def main(words):
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folder (run.dir)")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: report.html in the first run's folder")
    arguments = parser.parse_args(words)
    output = pathlib.Path(arguments.output or pathlib.Path(arguments.runs[0]) / "report.html")
    try:
        runs = [run_folder.read_run(path) for path in arguments.runs]
        figures.distinct_names(runs)
        output.write_text(page(runs), encoding="utf-8")
    except run_folder.NotARun as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 3
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
