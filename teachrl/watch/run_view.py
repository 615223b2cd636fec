"""The page of one run: how it stands, its curves, its curriculum, its workers and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from dash.development.base_component import Component

from teachrl.report import captions
from teachrl.report.buffer_figures import buffer_figure
from teachrl.report.curriculum_figures import curriculum_figure
from teachrl.report.curve_figures import TITLES, Curve, curves_figure
from teachrl.report.facts import facts
from teachrl.report.figures import learning_figure
from teachrl.report.galleries import buffer_galleries
from teachrl.report.run_data import RunData
from teachrl.watch.parts import caption, errors, facts_table, galleries, graph, missing, section
from teachrl.watch.throughput import mean_throughput, number, throughput
from teachrl_envs.maze.level_space import LevelTaskSpace

# The whole way of the curriculum is in the report; each moment costs the browser and the server time.
MOMENTS = 4


def run_view(run: RunData, name: str, found: Sequence[str]) -> list[Component]:
    """All sections; ``found`` are the errors."""
    return [
        facts_table({**facts(run, name)}, "facts"),
        section("learning", "Learning curves", caption(captions.LEARNING), *_curves(run)),
        section("curriculum", "Curriculum now", *_curriculum(run)),
        section("workers", "Workers and throughput", *_workers(run)),
        section("errors", "Errors", errors(found)),
    ]


def _curves(run: RunData) -> list[Component]:
    steps = [e.step for e in run.evaluations]
    discounted = Curve("", "evaluation", steps, [e.mean_discounted_return for e in run.evaluations])
    figure = curves_figure([discounted], TITLES["mean_discounted_return"], 300)
    return [
        graph(learning_figure([run], [""]), "learning", "There are no episodes and no evaluations yet."),
        graph(figure, "discounted", "There are no evaluations yet."),
    ]


def _curriculum(run: RunData) -> list[Component]:
    buffer = buffer_figure(run)
    below = [] if buffer is None else [caption(captions.BUFFER), graph(buffer, "buffer", "")]
    otherwise = captions.no_curriculum(run)
    if not isinstance(run.space, LevelTaskSpace):
        picture = graph(curriculum_figure(run, MOMENTS), "curriculum", otherwise)
        return [caption(captions.CURRICULUM), picture, *below]
    shown = [c for c in run.curricula if c.levels or len(c.samples)]
    if not shown:
        return [missing(otherwise), *below]
    pictures = galleries(run.space, buffer_galleries(shown[-1]), "levels")
    return [caption(captions.BUFFERED_LEVELS), pictures, *below]


def _workers(run: RunData) -> list[Component]:
    curve, mean = throughput(run), mean_throughput(run)
    rates = {
        "steps/s lately": f"{curve.values[-1]:,.0f}" if curve.values else "not known yet",
        "steps/s over the run": "not known yet" if mean is None else f"{mean:,.0f}",
    }
    figure = curves_figure([curve], "steps per second", 260)
    return [
        facts_table({**rates, **_crew(run)}, "rates"),
        caption("Steps of training per second of the run, evaluations and checkpoints included, between evaluations."),
        graph(figure, "throughput", "No evaluation has said yet how long the run took."),
    ]


def _crew(run: RunData) -> dict[str, str]:
    """What the status says of those who collect; runs of older versions say nothing."""
    workers = run.status.get("workers")
    if not isinstance(workers, dict):
        return {"workers": "not known yet"}
    places, metrics = workers.get("places"), workers.get("metrics")
    if not isinstance(places, list) or not places:
        return {"workers": "the run itself"}
    named = {f"worker {n}": str(place) if place else "being made" for n, place in enumerate(places)}
    counted = metrics if isinstance(metrics, dict) else {}
    counts = {name.removeprefix("workers/"): f"{number(counted, name) or 0:g}" for name in counted}
    return {"workers": str(len(places)), **named, **counts}
