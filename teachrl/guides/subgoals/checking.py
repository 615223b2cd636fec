"""A cache file against a provider that is taken to be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teachrl.errors import UsageError
from teachrl.guides.subgoals.accuracy import Accuracy, said_at_first, summary
from teachrl.guides.subgoals.provider import Provider
from teachrl.guides.subgoals.recorded import Recorded, RecordedConfig
from teachrl.guides.subgoals.seeded_levels import level_of, make_grid_world


def check_file(
    file: Path, environment: str | None, model: str | None, prompt: str | None, right: Provider
) -> dict[str, Any]:
    """What a file's answers about one environment's seeds are worth, as JSON. Raises `UsageError`.

    ``said``: the first answers as they were said; ``played``: what guides get.
    """
    recorded = Recorded(RecordedConfig(cache=str(file), model=model, prompt=prompt))
    answers = [a for a in recorded.cache.answers() if a.source.group == recorded.source.group]
    environments = sorted({answer.environment for answer in answers})
    if environment is None and len(environments) > 1:
        raise UsageError(f"{file} holds answers about {', '.join(environments)}: say which with --env")
    chosen = environment or environments[0]
    answers = [answer for answer in answers if answer.environment == chosen and answer.key.isdecimal()]
    if not answers:
        raise UsageError(f"{file} holds no answers about seeds of {chosen}; it has {', '.join(environments)}")
    said, played, unsolved = Accuracy(), Accuracy(), 0
    env = make_grid_world(chosen)
    for answer in answers:
        level = level_of(env, chosen, int(answer.key))
        subgoals = recorded.subgoals(level)
        try:
            wanted = right.subgoals(level)
        except UsageError:  # the planner's, where it finds no way
            unsolved += 1
            continue
        said.compare(said_at_first(answer), wanted, level)
        played.compare(subgoals, wanted, level)
    env.close()
    about = {"environment": chosen, "model": recorded.source.model, "prompt": recorded.source.prompt}
    costs = summary(answers)
    return {**about, **costs, "unsolved": unsolved, "said": said.numbers(), "played": played.numbers()}
