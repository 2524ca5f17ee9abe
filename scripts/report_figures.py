"""The figures of report.py: each takes runs and returns a plotly figure, or None when nothing was measured."""

import statistics

import plotly.graph_objects as go
from plotly.subplots import make_subplots

LOSS = "loss_metrics/global_avg_loss"
TOKENS = "throughput/total(tps)"
RATIO = "compress/ratio"
ERROR = "compress/error_norm"
STEP_SECONDS = "time_metrics/end_to_end(s)"

# Okabe and Ito's colours, told apart by people with any colour vision.
PALETTE = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#5b6b7c", "#b3261e", "#7a5195"]
KIND_COLOURS = {"forward": "#0072b2", "recompute": "#8fb8de", "backward": "#009e73", "input": "#009e73", "weight": "#56b4e9", "send": "#e69f00",
                "recv": "#f0c869", "reduce": "#d55e00", "optimizer": "#cc79a7", "wait": "#c9d1d9"}
MOST_BINS = 200
MOST_LABELLED_SPANS = 160


def colour(index):
    return PALETTE[index % len(PALETTE)]


def distinct_names(runs):
    """Runs of one name get the least of their path that tells them apart."""
    for run in runs:
        parts, depth = run.path.resolve().parts, 1
        while any(other is not run and other.path.resolve().parts[-depth:] == parts[-depth:] for other in runs) and depth < len(parts):
            depth += 1
        run.name = "/".join(parts[-depth:])


def styled(figure, height, **layout):
    figure.update_layout(template="plotly_white", height=height, margin={"l": 64, "r": 16, "t": 34, "b": 44}, hovermode="x unified",
                         font={"family": "system-ui, DejaVu Sans, sans-serif", "size": 13, "color": "#1d2733"},
                         legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    figure.update_layout(**layout)
    return figure


def to_html(figure):
    return figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False, "responsive": True})


def running_median(values, width=15):
    half = width // 2
    return [statistics.median(values[max(0, i - half):i + half + 1]) for i in range(len(values))]


def binned(run, names):
    """Mean of each metric over at most MOST_BINS groups of neighbouring steps; absent values count as 0."""
    rows = [row for row in run.steps if isinstance(row.get(STEP_SECONDS), (int, float))]
    width = max(1, -(-len(rows) // MOST_BINS))
    groups = [rows[i:i + width] for i in range(0, len(rows), width)]
    means = {name: [sum(row.get(name) or 0 for row in group) / len(group) for group in groups] for name in names}
    return [group[len(group) // 2]["step"] for group in groups], means, width


def skipped_steps(run):
    """(step, loss) of skipped steps; one without a finite loss stands at the height of the step before."""
    skipped, height = [], None
    for row in run.steps:
        value = row.get(LOSS)
        height = value if isinstance(value, (int, float)) else height
        if row.get("numerics/skipped") and height is not None:
            skipped.append((row["step"], height))
    return skipped


def loss(runs):
    figure, empty = go.Figure(), True
    for index, run in enumerate(runs):
        for (steps, values), mode, label in ((run.series(LOSS), "lines", ""), (run.evaluations(), "markers", " validation")):
            if not steps:
                continue
            empty = False
            figure.add_scatter(x=steps, y=values, mode=mode if len(steps) > 1 else "markers", name=run.name + label,
                               line={"color": colour(index), "width": 2},
                               marker={"color": colour(index), "size": 9, "line": {"color": "white", "width": 1.5}})
        skipped = skipped_steps(run)
        if skipped:
            figure.add_scatter(x=[step for step, _ in skipped], y=[loss for _, loss in skipped], mode="markers",
                               name=run.name + " skipped", marker={"symbol": "x", "size": 9, "color": "#b3261e"})
        for start in run.starts[1:]:
            figure.add_vline(x=start.get("first_step", 0), line={"color": colour(index), "width": 1, "dash": "dot"})
    return None if empty else styled(figure, 380, xaxis_title="step", yaxis_title="loss (nats per token)")


def throughput(runs):
    figure, empty = go.Figure(), True
    for index, run in enumerate(runs):
        steps, values = run.series(TOKENS)
        if not steps:
            continue
        empty = False
        figure.add_scatter(x=steps, y=values, mode="lines" if len(steps) > 1 else "markers", name=run.name, legendgroup=run.name,
                           showlegend=False, hoverinfo="skip", opacity=0.3, line={"color": colour(index), "width": 1})
        figure.add_scatter(x=steps, y=running_median(values), mode="lines", name=run.name, legendgroup=run.name,
                           line={"color": colour(index), "width": 2.5})
    return None if empty else styled(figure, 340, xaxis_title="step", yaxis_title="tokens/s", yaxis_rangemode="tozero", showlegend=True)


def step_time(run):
    parts = [name for name in run.names("time_metrics/", "(s)") if name != STEP_SECONDS]
    steps, means, width = binned(run, [STEP_SECONDS, *parts])
    if not steps or not parts:
        return None
    other = [max(0.0, whole - sum(means[part][i] for part in parts)) for i, whole in enumerate(means[STEP_SECONDS])]
    figure = go.Figure()
    for index, name in enumerate([*parts, "other"]):
        label = name.removeprefix("time_metrics/").removesuffix("(s)").replace("_", " ")
        values = other if name == "other" else means[name]
        figure.add_bar(x=steps, y=[1e3 * value for value in values], name=label, width=width, hovertemplate="%{y:.2f} ms",
                       marker={"color": "#c9d1d9" if name == "other" else colour(index), "line": {"width": 0}})
    return styled(figure, 360, barmode="stack", bargap=0, xaxis_title="step", yaxis_title="ms per step", legend_traceorder="normal")


def timeline(run):
    if not run.spans:
        return None
    tracks = [track for track in ("predicted", "measured") if any(span[1] == track for span in run.spans)]
    ranks = sorted({span[0] for span in run.spans})
    ranks_of = {track: len({span[0] for span in run.spans if span[1] == track}) for track in tracks}
    height = 160 + 40 * len(tracks) + max(26, min(44, 900 // len(ranks))) * sum(ranks_of.values())
    figure = make_subplots(rows=len(tracks), cols=1, shared_xaxes=True, vertical_spacing=40 / height,
                           row_heights=[ranks_of[track] for track in tracks],
                           subplot_titles=[f"{track} (step {run.trace_step})" for track in tracks])
    kinds = list(dict.fromkeys([*KIND_COLOURS, *(span[3] for span in run.spans)]))
    for kind in kinds:
        shown = False
        for row, track in enumerate(tracks, 1):
            spans = [span for span in run.spans if span[1] == track and span[3] == kind]
            if not spans:
                continue
            labelled = len(run.spans) <= MOST_LABELLED_SPANS and kind not in ("wait", "send", "recv")
            figure.add_bar(orientation="h", y=[f"rank {span[0]}" for span in spans], base=[span[4] for span in spans],
                           x=[span[5] - span[4] for span in spans], text=[span[2] if labelled else "" for span in spans],
                           textposition="inside", insidetextanchor="middle", textangle=0, textfont={"color": "white"},
                           customdata=[(span[2], span[4], span[5]) for span in spans], name=kind or "other", legendgroup=kind,
                           showlegend=not shown, marker={"color": KIND_COLOURS.get(kind, colour(kinds.index(kind))),
                                                         "line": {"color": "white", "width": 0.5}},
                           hovertemplate="%{customdata[0]}: %{customdata[1]:.3f} to %{customdata[2]:.3f} ms", row=row, col=1)
            shown = True
    figure.update_yaxes(categoryorder="array", categoryarray=[f"rank {rank}" for rank in reversed(ranks)])
    figure.update_xaxes(title_text="ms since the step began", row=len(tracks), col=1)
    styled(figure, height, barmode="overlay", bargap=0.15)
    return figure.update_layout(hovermode="closest", legend={"y": 1 + 40 / height}, margin={"t": 80})


def compression(runs):
    panels = [(metric, title) for metric, title in ((RATIO, "ratio (dense / sent)"), (ERROR, "norm of the error kept back"))
              if any(run.series(metric)[0] for run in runs)]
    if not panels:
        return None
    figure = make_subplots(rows=1, cols=len(panels), subplot_titles=[title for _, title in panels])
    for column, (metric, _) in enumerate(panels, 1):
        for index, run in enumerate(runs):
            steps, values = run.series(metric)
            if steps:
                figure.add_scatter(x=steps, y=values, name=run.name, legendgroup=run.name, showlegend=column == 1,
                                   mode="lines" if len(steps) > 1 else "markers", line={"color": colour(index), "width": 2},
                                   row=1, col=column)
    figure.update_xaxes(title_text="step")
    figure.update_yaxes(rangemode="tozero")
    return styled(figure, 340).update_layout(legend={"y": 1.1}, margin={"t": 64})


def mixture(runs):
    prefix = "data/mix/"
    categories = list(dict.fromkeys(name for run in runs for name in run.names(prefix)))
    if not categories:
        return None
    figure = go.Figure()
    totals = [sum(sum(run.series(name)[1]) for name in categories) or 1 for run in runs]
    for index, name in enumerate(categories):
        shares = [100 * sum(run.series(name)[1]) / total for run, total in zip(runs, totals)]
        figure.add_bar(orientation="h", y=[run.name for run in runs], x=shares, name=name.removeprefix(prefix).replace("_", " "),
                       marker_color=colour(index), text=[f"{share:.1f} %" if share >= 4 else "" for share in shares],
                       textposition="inside", insidetextanchor="middle", textangle=0, hovertemplate="%{x:.2f} %")
    styled(figure, 150 + 46 * len(runs), barmode="stack", xaxis_title="% of samples", xaxis_range=[0, 100])
    return figure.update_layout(hovermode="closest", yaxis={"autorange": "reversed"}, legend={"traceorder": "normal"})
