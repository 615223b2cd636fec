"""The HTML page around the figures."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from teachrl.report.curriculum_figures import MAX_PARTS, curriculum_figure
from teachrl.report.figures import FONT, MAX_DIMENSIONS, WINDOW, learning_figure, sampled_tasks_figure
from teachrl.report.mastery_figures import mastery_figure
from teachrl.report.run_data import RunData

# The browser itself then refuses whatever plotly.js or a hostile name might try to load.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)

STYLE = f"""
body {{ font: 16px/1.55 {FONT}; color: #22272e; background: #fff; margin: 0; }}
main {{ max-width: 1100px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }}
h1 {{ font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.35rem; margin: 3rem 0 .3rem; padding-top: 1.2rem; border-top: 1px solid #e3e6ea; }}
h3 {{ font-size: 1.05rem; margin: 1.6rem 0 .2rem; overflow-wrap: anywhere; }}
p {{ margin: .4rem 0 .8rem; max-width: 46rem; }}
.caption {{ color: #555d68; }}
.missing, .note {{ background: #fbf6e6; border-left: 4px solid #d9b645; padding: .5rem .9rem; }}
.missing, .note, .error {{ overflow-wrap: anywhere; }}
.error {{ background: #fcecec; border-left: 4px solid #c8404a; padding: .5rem .9rem; white-space: pre-wrap; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .95rem; }}
th, td {{ text-align: left; padding: .35rem 1.2rem .35rem 0; border-bottom: 1px solid #e3e6ea; vertical-align: top; }}
th {{ font-weight: 600; color: #555d68; white-space: nowrap; }}
pre {{ background: #f5f6f8; border-radius: 6px; padding: 1rem; overflow-x: auto; font-size: .85rem; }}
"""

LEARNING = (
    f"Each faint point is one training episode; the solid line is the mean of the last {WINDOW} episodes. Diamonds are "
    "evaluations on the test set, which is the same at every evaluation: judge progress by them, because the teacher "
    "changes how hard the training tasks are. The lower panel is the share of test tasks the student masters."
)
SAMPLED = (
    "Each point is the task of one training episode. On the left, colour is time: dark early, bright late, so you see "
    "where the teacher moved. On the right, colour is the student's return: dark low, bright high. Long runs are "
    "thinned evenly; whole numbers and choices are spread a little around their value so that equal tasks stay visible."
)
CURRICULUM = (
    "What the teacher drew its tasks from. Each ellipse is one of its Gaussians, two standard deviations wide, each "
    "rectangle one of its regions (with one task parameter: each bar is one of either); bright colour means high "
    "learning progress, stronger colour a larger weight. Green dots are tasks that it would draw. Grey points are the "
    "tasks played since the moment before. Where there is a slider below the picture, it moves through the run. At "
    f"most {MAX_PARTS} shapes are drawn at a moment, those of the largest weights."
)
MASTERY = (
    "The return on every task of the test set, from the first evaluation to the last. Rings (with one task parameter: "
    "filled points) mark mastered tasks. A good curriculum makes the marked region grow."
)


def render(runs: Sequence[RunData]) -> str:
    """The whole page."""
    names = _names(runs)
    environments = sorted({str(_part(run, "env").get("id", "unknown environment")) for run in runs})
    title = f"Training report: {', '.join(environments)}"
    learning = _figure(learning_figure(runs, names), "learning", "There are no episodes and no evaluations yet.")
    if not any(run.evaluations for run in runs):
        learning += _missing("There are no evaluations yet, so only training is shown and nothing is known of mastery.")
    sections = [
        _section("learning", "Learning curve", LEARNING, learning),
        _section("sampled", "Sampled tasks over time", SAMPLED, _per_run(runs, names, _sampled)),
        _section("curriculum", "The teacher's curriculum", CURRICULUM, _per_run(runs, names, _curriculum)),
        _section("mastery", "Mastery of the test set", MASTERY, _per_run(runs, names, _mastery)),
        _section("experiment", "Experiment and versions", "", _per_run(runs, names, _experiment)),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style>\n"
        f"<script>{get_plotlyjs()}</script></head>\n<body><main>\n"
        f"<h1>{html.escape(title)}</h1>\n{_header(runs, names)}\n{''.join(sections)}</main></body></html>\n"
    )


def _names(runs: Sequence[RunData]) -> list[str]:
    """Short names that tell the runs apart: the directory's, or the whole path where two are alike."""
    short = [run.path.resolve().name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for run, name in zip(runs, short, strict=True)]


def _part(run: RunData, key: str) -> Mapping[str, Any]:
    value = run.experiment.get(key)
    return value if isinstance(value, Mapping) else {} if value is None else {"name": value, "id": value}


def _header(runs: Sequence[RunData], names: Sequence[str]) -> str:
    heads = ("run", "environment", "teacher", "student", "seed", "steps", "status", "episodes", "teacher's time")
    rows = [_facts(run, name) for run, name in zip(runs, names, strict=True)]
    if len(runs) == 1:
        body = "".join(
            f"<tr><th>{head}</th><td>{html.escape(x)}</td></tr>" for head, x in zip(heads, rows[0], strict=True)
        )
    else:
        body = "<tr>" + "".join(f"<th>{head}</th>" for head in heads) + "</tr>"
        body += "".join("<tr>" + "".join(f"<td>{html.escape(x)}</td>" for x in row) + "</tr>" for row in rows)
    text = f'<div class="wide"><table id="header">{body}</table></div>'
    for run, name in zip(runs, names, strict=True):
        if run.status.get("error"):
            text += (
                f'<p class="error">{html.escape(name)} ended with an error: {html.escape(str(run.status["error"]))}</p>'
            )
        text += "".join(f'<p class="note">{html.escape(f"{name}: {note}")}</p>' for note in run.notes)
    return text


def _facts(run: RunData, name: str) -> list[str]:
    teacher = _part(run, "teacher")
    preset = teacher.get("preset")
    status = run.status
    total = status.get("total_steps", run.experiment.get("steps"))
    return [
        name,
        str(_part(run, "env").get("id", "unknown")),
        f"{teacher.get('name', 'unknown')}" + (f" (preset {preset})" if preset else ""),
        str(_part(run, "student").get("name", "unknown")),
        str(run.experiment.get("seed", "unknown")),
        f"{_count(status.get('step'))} of {_count(total)}",
        str(status.get("status", "not known yet")),
        _count(status.get("episodes")) + _skipped(status.get("skipped_episodes")),
        _teacher_share(status),
    ]


def _skipped(value: Any) -> str:
    return f" ({_count(value)} skipped)" if value else ""


def _count(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return f"{value:,}" if is_number else "unknown" if value is None else str(value)


def _teacher_share(status: Mapping[str, Any]) -> str:
    seconds, teacher = status.get("seconds"), status.get("teacher_seconds")
    if not isinstance(seconds, (int, float)) or not isinstance(teacher, (int, float)) or not seconds > 0:
        return "not known yet"
    return f"{100 * teacher / seconds:.2g}% of the run ({teacher:,.1f} s of {seconds:,.0f} s)"


def _section(anchor: str, title: str, caption: str, body: str) -> str:
    text = f'<p class="caption">{html.escape(caption)}</p>' if caption else ""
    return f'<section id="{anchor}"><h2>{html.escape(title)}</h2>{text}\n{body}</section>\n'


def _missing(text: str) -> str:
    return f'<p class="missing">{html.escape(text)}</p>\n'


def _figure(figure: go.Figure | None, anchor: str, otherwise: str) -> str:
    """The figure's HTML, or the sentence on what is missing. Fixed ids: the same run gives the same bytes."""
    if figure is None:
        return _missing(otherwise)
    config = {"displaylogo": False, "responsive": True}
    text: str = to_html(
        figure, include_plotlyjs=False, include_mathjax=False, full_html=False, div_id=f"figure-{anchor}", config=config
    )
    return text + "\n"


def _per_run(runs: Sequence[RunData], names: Sequence[str], body: Any) -> str:
    parts = []
    for i, (run, name) in enumerate(zip(runs, names, strict=True)):
        heading = f"<h3>{html.escape(name)}</h3>" if len(runs) > 1 else ""
        parts.append(heading + body(run, i))
    return "".join(parts)


def _sampled(run: RunData, i: int) -> str:
    text = _figure(sampled_tasks_figure(run), f"sampled-{i}", "No episode has ended yet, so no task can be shown.")
    varying = sum(d.high > d.low for d in run.space.dimensions)
    if varying > MAX_DIMENSIONS:
        text += _missing(f"The first {MAX_DIMENSIONS} of the {varying} task parameters that vary are shown.")
    return text


def _curriculum(run: RunData, i: int) -> str:
    what = "has recorded nothing to draw" if run.curricula else "has recorded no curriculum yet"
    otherwise = f"The teacher {what}. Teachers that choose tasks uniformly never do."
    return _figure(curriculum_figure(run), f"curriculum-{i}", otherwise)


def _mastery(run: RunData, i: int) -> str:
    text = _figure(mastery_figure(run), f"mastery-{i}", "There are no evaluations yet.")
    if run.evaluations and not any((e.mastered == e.mastered).any() for e in run.evaluations):
        text += _missing("This environment does not say when a task is mastered, so no task is marked.")
    return text


def _experiment(run: RunData, i: int) -> str:
    versions = run.status.get("versions")
    if isinstance(versions, Mapping) and versions:
        rows = "".join(
            f"<tr><th>{html.escape(str(k))}</th><td>{html.escape(str(v))}</td></tr>" for k, v in versions.items()
        )
        table = f"<h3>Versions</h3><table>{rows}</table>"
    else:
        table = _missing("The run has not recorded its versions.")
    return f"<pre>{html.escape(run.experiment_text)}</pre>{table}"
