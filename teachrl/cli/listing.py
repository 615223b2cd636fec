"""``teachrl list``: what can be chosen by name. Nothing that is listed gets imported."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from importlib import resources
from typing import Annotated, Any

import typer

from teachrl.config.registry import Registry


class What(StrEnum):
    """What to list."""

    ENVS = "envs"
    TEACHERS = "teachers"
    STUDENTS = "students"
    GUIDES = "guides"
    CALLBACKS = "callbacks"
    PROVIDERS = "providers"
    TEST_SETS = "test-sets"
    EXPERIMENTS = "experiments"


def list_names(
    what: Annotated[What | None, typer.Argument(help="Only these.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List environments, teachers, students, guides, providers of sub-goals, test sets and experiments."""
    items = [item for kind, find in SOURCES.items() if what in (None, kind) for item in find()]
    if as_json:
        typer.echo(json.dumps(items, indent=2))
        return
    width = max((len(item["name"]) for item in items), default=0)
    kind = ""
    for item in items:
        if item["kind"] != kind:
            kind = item["kind"]
            typer.echo(f"{kind}s")
        typer.echo(f"  {item['name']:<{width}}  {item['summary']}")


def _environments() -> list[dict[str, str]]:
    from teachrl.environments import TEACHING
    from teachrl_envs.specs import ENV_SPECS

    return [_item(spec.id, "environment", spec.summary) for spec in (*ENV_SPECS, TEACHING)]


def _teachers() -> list[dict[str, str]]:
    from teachrl.teachers.registry import TEACHERS

    return _registered(TEACHERS)


def _students() -> list[dict[str, str]]:
    from teachrl.students.registry import STUDENTS

    return _registered(STUDENTS)


def _guides() -> list[dict[str, str]]:
    from teachrl.guides.registry import GUIDES

    return _registered(GUIDES)


def _callbacks() -> list[dict[str, str]]:
    from teachrl.training.registry import CALLBACKS

    return _registered(CALLBACKS)


def _providers() -> list[dict[str, str]]:
    from teachrl.guides.subgoals.provider import PROVIDERS

    return _registered(PROVIDERS)


def _registered(registry: Registry) -> list[dict[str, str]]:
    return [_item(name, registry.kind, entry.summary) for name, entry in registry.entries.items()]


def _test_sets() -> list[dict[str, str]]:
    files = (resources.files("teachrl_envs") / "test_sets").iterdir()
    contents: list[Any] = [json.loads(f.read_text(encoding="utf-8")) for f in files if f.name.endswith(".json")]
    items = [_item(f"{c['name']}-v{c['version']}", "test set", c["description"]) for c in contents]
    return sorted(items, key=lambda item: item["name"])


def _experiments() -> list[dict[str, str]]:
    from teachrl.config.packaged import files_by_name, summary

    return [_item(name, "experiment", summary(file)) for name, file in files_by_name().items()]


def _item(name: str, kind: str, summary: str) -> dict[str, str]:
    return {"name": name, "kind": kind, "summary": summary}


SOURCES: dict[What, Callable[[], list[dict[str, str]]]] = {
    What.ENVS: _environments,
    What.TEACHERS: _teachers,
    What.STUDENTS: _students,
    What.GUIDES: _guides,
    What.CALLBACKS: _callbacks,
    What.PROVIDERS: _providers,
    What.TEST_SETS: _test_sets,
    What.EXPERIMENTS: _experiments,
}
