"""Writes the README's table of what there is, from the registries: ``python -m docs.readme_tables``."""

from __future__ import annotations

from pathlib import Path

from teachrl.config.registry import Registry
from teachrl.environments import TEACHING
from teachrl.guides.registry import GUIDES
from teachrl.guides.subgoals.provider import PROVIDERS
from teachrl.students.registry import STUDENTS
from teachrl.teachers.registry import TEACHERS
from teachrl.training.registry import CALLBACKS
from teachrl_envs.specs import ENV_SPECS

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- made by python -m docs.readme_tables -->", "<!-- end -->"
YOUR_OWN = {
    "environment": "| environment | `module:callable` | [your own](docs/adding_an_environment.md), or gymnasium's |",
    "teacher": "| teacher | `module:Class` | [your own](docs/adding_a_teacher.md) |",
    "student": "| student | `module:Class` | [your own](docs/adding_a_student.md), in under 60 lines |",
    "guide": "| guide | `module:Class` | your own, a subclass of `teachrl.guides.base.Guide` |",
    "callback": "| callback | `module:Class` | [your own](docs/callbacks.md) |",
}


def table() -> str:
    """Return the table: a row per registered name, and a row for the user's own."""
    lines = ["| kind | name | what it is |", "|---|---|---|"]
    lines += [_row("environment", spec.id, spec.summary, spec.page) for spec in (*ENV_SPECS, TEACHING)]
    lines.append(YOUR_OWN["environment"])
    for registry in (TEACHERS, STUDENTS, GUIDES, PROVIDERS, CALLBACKS):
        lines += _rows(registry)
        lines += [YOUR_OWN[registry.kind]] if registry.kind in YOUR_OWN else []
    return "\n".join(lines)


def _rows(registry: Registry) -> list[str]:
    entries = registry.built_in.items()
    return [_row(registry.kind, name, entry.summary, entry.page) for name, entry in entries]


def _row(kind: str, name: str, summary: str, page: str) -> str:
    link = f" ([page](docs/{page}.md))" if page else ""
    return f"| {kind} | `{name}` | {summary}{link} |"


def with_table(text: str) -> str:
    """Return the README's text with the present table in the place of its old one."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
