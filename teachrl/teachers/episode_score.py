"""How well an episode went, in [0, 1]: by its success or by its scaled return. Never one in place of the other."""

from __future__ import annotations

from teachrl.errors import UsageError
from teachrl.records.episodes import Episode
from teachrl.teachers.base import Teacher, TeacherContext

INSTEAD = "or set teacher.options.signal to 'return', which learns from returns scaled by the environment's range"


def require_success(context: TeacherContext, who: str) -> None:
    """Raise `UsageError` when the context does not tell what success is, saying what to set."""
    try:
        context.knowledge.check("mastery_range", who)
    except UsageError as error:
        raise UsageError(f"{error}; {INSTEAD}") from None


def success_of(episode: Episode) -> float:
    """1 for a success, 0 for a failure. Raises `UsageError` when the episode reports neither."""
    if episode.success is None:
        raise UsageError(
            "an episode came back without success. Let the environment report info['success'] at the end of every "
            f"episode, or set env.mastery_return, {INSTEAD}"
        )
    return float(episode.success)


def guide_progress(episode: Episode) -> float:
    """The share of its sub-goals that an episode reached. Raises `UsageError` when no guide gave any account."""
    if "progress" not in episode.guide:
        raise UsageError(
            "an episode came back without an account of sub-goals: the signal 'guide' needs guide: subgoals in the "
            "experiment, " + INSTEAD
        )
    return episode.guide["progress"]


def episode_score(teacher: Teacher, episode: Episode, signal: str) -> float:
    """How well an episode went, in [0, 1], by a ``signal``.

    Its ``success``, its ``return`` scaled by the range and clipped to it, or ``guide``, the share of sub-goals reached.
    """
    if signal == "success":
        return success_of(episode)
    return guide_progress(episode) if signal == "guide" else teacher.unit_return(episode.episode_return, clip=True)
