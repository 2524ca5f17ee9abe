#!/usr/bin/env python3
"""Makes one HTML page, readable without a network, of a sweep over compression settings.

usage: sweep_report.py SWEEP [-o FILE]      SWEEP: folder of `spillway compress sweep`; FILE: default SWEEP/report.html
"""

import argparse
import html
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import report  # noqa: E402
import report_figures as figures  # noqa: E402
import plotly.graph_objects as go  # noqa: E402
from plotly.offline import get_plotlyjs  # noqa: E402

PARTS = [("compress", "compress_seconds", 0), ("wire", "wire_seconds", 1), ("decompress", "decompress_seconds", 2)]


class NotASweep(Exception):
    pass


def read_sweep(path):
    """The content of sweep.json; throws NotASweep, one line."""
    file = pathlib.Path(path) / "sweep.json"
    try:
        sweep = json.loads(file.read_text())
    except FileNotFoundError:
        raise NotASweep(f"{path}: no finished sweep (no sweep.json)") from None
    except ValueError as error:
        raise NotASweep(f"{file} is not readable: {error}") from None
    if not sweep.get("cells"):
        raise NotASweep(f"{file} has no cells")
    return sweep


def loss_of(cell):
    return "not finite" if cell["final_loss"] is None else f"{cell['final_loss']:.4f}"


def hover(cell):
    return (f"{html.escape(cell['name'])}<br>{cell['payload_bytes'] / 1024:,.1f} KiB a step<br>{1e3 * cell['step_seconds']:.2f} ms a step"
            f"<br>loss {loss_of(cell)}")


def front_figure(cells):
    """Bytes against time, coloured by loss; the cells that no other beats in all three have a ring and their name."""
    figure = go.Figure()
    for on_front in (False, True):
        chosen = [cell for cell in cells if cell["pareto"] == on_front and cell["final_loss"] is not None]
        if not chosen:
            continue
        figure.add_scatter(
            x=[cell["payload_bytes"] / 1024 for cell in chosen], y=[1e3 * cell["step_seconds"] for cell in chosen],
            mode="markers+text" if on_front else "markers", text=[html.escape(cell["name"].split(",")[0]) for cell in chosen],
            textposition="top center", hovertext=[hover(cell) for cell in chosen], hoverinfo="text",
            name="Pareto front" if on_front else "beaten by another",
            marker={"size": 15 if on_front else 9, "color": [cell["final_loss"] for cell in chosen], "coloraxis": "coloraxis",
                    "line": {"width": 2.5 if on_front else 0, "color": "#1d2733"}})
    figures.styled(figure, 460, xaxis_title="KiB a replica gives to the communicator in a step", yaxis_title="ms per step",
                   xaxis_type="log", hovermode="closest", coloraxis={"colorscale": "Viridis_r", "colorbar": {"title": "loss"}})
    return figure


def time_figure(cells):
    """Where the exchange spends its time, beside what of it the step waits for."""
    names = [html.escape(cell["name"]) for cell in cells]
    figure = go.Figure()
    for label, key, index in PARTS:
        figure.add_bar(orientation="h", y=names, x=[1e3 * cell[key] for cell in cells], name=label, offsetgroup="exchange",
                       marker_color=figures.colour(index), hovertemplate="%{x:.2f} ms")
    figure.add_bar(orientation="h", y=names, x=[1e3 * cell["exposed_seconds"] for cell in cells], name="exposed", offsetgroup="exposed",
                   marker_color=figures.colour(4), hovertemplate="%{x:.2f} ms")
    figures.styled(figure, 120 + 44 * len(cells), barmode="stack", xaxis_title="ms per step")
    return figure.update_layout(hovermode="closest", yaxis={"autorange": "reversed", "automargin": True})


def loss_figure(cells, over_time):
    figure = go.Figure()
    for index, cell in enumerate(cells):
        x = cell["elapsed_seconds"] if over_time else list(range(1, len(cell["loss"]) + 1))
        smooth = figures.running_median([loss for loss in cell["loss"] if loss is not None], 5)
        figure.add_scatter(x=x, y=smooth, mode="lines", name=html.escape(cell["name"]), line={"color": figures.colour(index), "width": 2},
                           hovertemplate="%{y:.4f}")
    return figures.styled(figure, 420, xaxis_title="seconds" if over_time else "step", yaxis_title="loss (nats per token)")


def error_figure(cells):
    figure = go.Figure()
    for index, cell in enumerate(cells):
        if cell["errors"]:
            figure.add_scatter(x=[error["step"] for error in cell["errors"]], y=[error["relative_l2"] for error in cell["errors"]],
                               name=html.escape(cell["name"]), mode="lines+markers", line={"color": figures.colour(index), "width": 2})
    if not figure.data:
        return None
    return figures.styled(figure, 380, xaxis_title="step", yaxis_title="relative L2 error", yaxis_type="log")


def table(sweep):
    target = sweep["target_loss"]
    heads = ["cell", "ms per step", "exposed ms", "KiB per step", "ratio", "relative error", "cosine", "norm kept back", "tokens/s", "loss",
             f"s to loss {target:.4f}", "front"]
    rows = []
    for cell in sweep["cells"]:
        values = [html.escape(cell["name"]), f"{1e3 * cell['step_seconds']:.2f}", f"{1e3 * cell['exposed_seconds']:.2f}",
                  f"{cell['payload_bytes'] / 1024:,.1f}", f"{cell['dense_bytes'] / max(cell['payload_bytes'], 1):.1f}",
                  f"{cell['relative_l2']:.2e}" if cell["errors"] else "–", f"{cell['cosine']:.5f}" if cell["errors"] else "–",
                  report.number(cell["error_norm"], 3), report.number(cell["tokens_per_second"]), loss_of(cell),
                  report.number(cell["seconds_to_loss"]), "yes" if cell["pareto"] else ""]
        rows.append("<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def page(sweep, name):
    cells = sweep["cells"]
    errors = error_figure(cells)
    draw = figures.to_html
    body = [
        report.section("Cells", f"Each trained from the same seed over the same batches, {len(cells[0]['loss'])} steps on {sweep['replicas']} "
                       "replicas. Times are medians; exposed is what a step waits for gradients behind its backward.", table(sweep)),
        report.section("Pareto front", "Bytes, time and loss: a ringed cell is beaten in all three by no other.", draw(front_figure(cells))),
        report.section("Where the exchange spends its time", "Of the slowest rank; most of it may hide behind the backward.",
                       draw(time_figure(cells))),
        report.section("Loss over steps", "Running median of 5 steps.", draw(loss_figure(cells, False))),
        report.section("Loss over time", "The same; a step in which the exact mean was taken counts as long as its neighbour.",
                       draw(loss_figure(cells, True))),
        report.section("Error of the exchanged gradients", "Distance to the exact mean over replicas, relative to its norm.", draw(errors))
        if errors else report.absent("Error of the exchanged gradients", "no exact mean was taken (--reference-every 0)"),
    ]
    return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Spillway: {html.escape(name)}</title><style>{report.STYLE}</style><script>{get_plotlyjs()}</script></head>"
            f'<body><main><h1>Spillway compression sweep</h1><p class="soft">{html.escape(name)}</p>{"".join(body)}</main></body></html>')


def main(words):
    parser = argparse.ArgumentParser(prog="sweep_report.py", description=__doc__.splitlines()[0])
    parser.add_argument("sweep", metavar="SWEEP", help="folder of `spillway compress sweep`")
    parser.add_argument("-o", "--output", metavar="FILE", help="default: report.html in the folder")
    arguments = parser.parse_args(words)
    output = pathlib.Path(arguments.output or pathlib.Path(arguments.sweep) / "report.html")
    try:
        output.write_text(page(read_sweep(arguments.sweep), pathlib.Path(arguments.sweep).resolve().name), encoding="utf-8")
    except NotASweep as error:
        print(f"sweep_report.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"sweep_report.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 3
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
