"""What ``teachrl subgoals check`` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

ROWS = {
    "levels": "levels compared",
    "levels_with_subgoals": "levels with sub-goals",
    "cell_accuracy": "right cells",
    "object_accuracy": "right objects",
    "manhattan_mean": "distance from the right cell, mean",
    "manhattan_std": "distance, standard deviation",
    "same_list": "lists that are the same",
    "feasible_order": "lists in a feasible order",
}


def print_check(found: Mapping[str, Any]) -> None:
    """Print what `check_file` found."""
    console = Console()
    title = f"{found['environment']}, model {found['model']}" + (f", prompt {found['prompt']}" * bool(found["prompt"]))
    table = Table("", "first said", "played", title=Text(title))
    for name, words in ROWS.items():
        table.add_row(words, _number(found["said"][name]), _number(found["played"][name]))
    for said, played in zip(found["said"]["positions"], found["played"]["positions"], strict=True):
        words = f"right cells, sub-goal {said['position']} ({said['levels']:,} levels)"
        table.add_row(words, _number(said["cell_accuracy"]), _number(played["cell_accuracy"]))
    console.print(table)
    for name in ("ended", "faults"):
        console.print(f"{name}: {_counts(found[name])}", markup=False, highlight=False)
    console.print(
        f"{found['requests']:,} requests, {found['prompt_tokens']:,} + {found['answer_tokens']:,} tokens, "
        f"{found['seconds']:,.0f} s of waiting for answers",
        highlight=False,
    )
    if found["unsolved"]:
        console.print(f"{found['unsolved']:,} levels left out: nothing to compare with", highlight=False)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "none"


def _number(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"
