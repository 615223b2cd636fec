"""The sections of the page: for each run its figures and galleries, or the sentence on what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from teachrl.report import captions
from teachrl.report.buffer_figures import buffer_figure
from teachrl.report.cost_figures import cost_figure, paid_so_far
from teachrl.report.curriculum_figures import curriculum_figure
from teachrl.report.figures import MAX_DIMENSIONS, learning_figure, sampled_tasks_figure
from teachrl.report.galleries import buffer_galleries, evaluated_gallery, gallery, played_gallery
from teachrl.report.html_parts import figure_part, heading, missing, properties, section, table
from teachrl.report.level_figures import complexity_figure, gap_figure
from teachrl.report.mastery_figures import mastery_figure
from teachrl.report.run_data import RunData
from teachrl_envs.maze.level_space import LevelTaskSpace

NO_EVALUATIONS = "There are no evaluations yet."
NO_EPISODES = "No episode has ended yet, so no task can be shown."


def sections(runs: Sequence[RunData], names: Sequence[str]) -> Markup:
    """Return all sections, one after the other."""
    parts = [
        section("learning", "Learning curve", (captions.LEARNING,), _learning(runs, names)),
        section("sampled", "Sampled tasks over time", _sampled_captions(runs), _per_run(runs, names, _sampled)),
        section(
            "curriculum", "The teacher's curriculum", _curriculum_captions(runs), _per_run(runs, names, _curriculum)
        ),
        section("mastery", "Mastery of the test set", _mastery_captions(runs), _per_run(runs, names, _mastery)),
        section("costs", "What it cost", (captions.COSTS,), _costs(runs, names)),
        section("experiment", "Experiment and versions", (), _per_run(runs, names, _experiment)),
    ]
    if any(len(run.antagonist) for run in runs):
        parts.insert(3, section("students", "Two students", (captions.STUDENTS,), _per_run(runs, names, _students)))
    return Markup("").join(parts)


def _by_kind(runs: Sequence[RunData], numbers: str, levels: str) -> list[str]:
    """A caption for the runs whose tasks are numbers, one for those whose tasks are levels, as far as there are any."""
    kinds = {isinstance(run.space, LevelTaskSpace) for run in runs}
    return [text for is_level, text in ((False, numbers), (True, levels)) if is_level in kinds]


def _sampled_captions(runs: Sequence[RunData]) -> list[str]:
    return _by_kind(runs, captions.SAMPLED, captions.PLAYED_LEVELS)


def _curriculum_captions(runs: Sequence[RunData]) -> list[str]:
    texts = _by_kind(runs, captions.CURRICULUM, captions.BUFFERED_LEVELS)
    return [*texts, captions.BUFFER] if any(len(c.buffer) for run in runs for c in run.curricula) else texts


def _mastery_captions(runs: Sequence[RunData]) -> list[str]:
    return _by_kind(runs, captions.MASTERY, captions.TEST_LEVELS)


def _per_run(runs: Sequence[RunData], names: Sequence[str], body: Callable[[RunData, int], Markup]) -> Markup:
    parts = []
    for i, (run, name) in enumerate(zip(runs, names, strict=True)):
        titled = heading(name) if len(runs) > 1 else Markup("")
        parts.append(titled + body(run, i))
    return Markup("").join(parts)


def _learning(runs: Sequence[RunData], names: Sequence[str]) -> Markup:
    text = figure_part(learning_figure(runs, names), "learning", "There are no episodes and no evaluations yet.")
    if any(run.evaluations for run in runs):
        return text
    return text + missing(f"{NO_EVALUATIONS[:-1]}, so only training is shown and nothing is known of mastery.")


def _sampled(run: RunData, i: int) -> Markup:
    if isinstance(run.space, LevelTaskSpace):
        text = figure_part(complexity_figure(run), f"sampled-{i}", NO_EPISODES)
        return text + (gallery(run.space, played_gallery(run.played)) if len(run.played) else Markup(""))
    text = figure_part(sampled_tasks_figure(run), f"sampled-{i}", NO_EPISODES)
    varying = sum(d.high > d.low for d in run.space.dimensions)
    if varying > MAX_DIMENSIONS:
        text += missing(f"The first {MAX_DIMENSIONS} of the {varying} task parameters that vary are shown.")
    return text


def _curriculum(run: RunData, i: int) -> Markup:
    buffer = buffer_figure(run)
    below = Markup("") if buffer is None else figure_part(buffer, f"buffer-{i}", "")
    otherwise = captions.no_curriculum(run)
    if not isinstance(run.space, LevelTaskSpace):
        return figure_part(curriculum_figure(run), f"curriculum-{i}", otherwise) + below
    shown = [c for c in run.curricula if c.levels or len(c.samples)]
    if not shown:
        return missing(otherwise) + below
    galleries = buffer_galleries(shown[-1]).items()
    titled = [heading(title) + gallery(run.space, levels) for title, levels in galleries]
    return Markup("").join(titled) + below


def _mastery(run: RunData, i: int) -> Markup:
    if not isinstance(run.judged_space, LevelTaskSpace):
        text = figure_part(mastery_figure(run), f"mastery-{i}", NO_EVALUATIONS)
    elif run.evaluations:
        text = gallery(run.judged_space, evaluated_gallery(run.judged_space, run.evaluations[-1]))
    else:
        text = missing(NO_EVALUATIONS)
    if run.evaluations and not any((e.mastered == e.mastered).any() for e in run.evaluations):
        text += missing("This environment does not say when a task is mastered, so no task is marked.")
    return text


def _students(run: RunData, i: int) -> Markup:
    otherwise = "Only one student plays here." if not len(run.antagonist) else "There is no level that both played."
    return figure_part(gap_figure(run), f"students-{i}", otherwise)


def _costs(runs: Sequence[RunData], names: Sequence[str]) -> Markup:
    otherwise = "No evaluation has recorded yet what it had cost."
    return _cost_table(runs, names) + figure_part(cost_figure(runs, names), "costs", otherwise)


def _cost_table(runs: Sequence[RunData], names: Sequence[str]) -> Markup:
    paid = [{"run": name, **paid_so_far(run)} for run, name in zip(runs, names, strict=True)]
    return table(list(paid[0]), [list(one.values()) for one in paid])


def _experiment(run: RunData, i: int) -> Markup:
    versions = run.status.get("versions")
    if isinstance(versions, Mapping) and versions:
        known = heading("Versions") + properties(versions)
    else:
        known = missing("The run has not recorded its versions.")
    return Markup("<pre>{}</pre>").format(run.experiment_text) + known
