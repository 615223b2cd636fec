"""From a file, a budget and overrides to an experiment: later settings are laid deep over earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from teachrl.config.experiment import KEYS, OWN_FIELDS, Experiment, parse_mapping, stands_for
from teachrl.config.packaged import DEFAULT_BUDGET
from teachrl.config.validation import validated
from teachrl.config.yaml_files import MAX_DEPTH, parse, read_text
from teachrl.errors import UsageError, unknown_name


def merge_settings(base: Mapping[str, Any], over: Mapping[str, Any], parts: Mapping[str, str] = KEYS) -> dict[str, Any]:
    """``over`` laid deep over ``base``; a plain text in the place of a part (``env: X``) becomes ``{id: X}``."""
    merged = dict(base)
    for field in over:
        before, value = (
            {parts[field]: side} if field in parts and stands_for(field, side) else side
            for side in (base.get(field), over[field])
        )
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[field] = merge_settings(before, value, {})
        else:
            merged[field] = value
    return merged


def _without_outdated(data: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The file's settings without those that belong to a teacher, student or environment that is now another."""
    kept, changes = merge_settings({}, data), merge_settings({}, overrides)
    for part, key in KEYS.items():
        if part == "starts":  # how a bank is used does not depend on which
            continue
        change = changes.get(part)
        before = kept.get(part)
        if not isinstance(change, Mapping) or not isinstance(before, Mapping) or key not in change:
            continue
        default = getattr(Experiment.model_fields[part].default, "name", "")
        if change[key] != before.get(key, default):
            kept[part] = {field: value for field, value in before.items() if field not in OWN_FIELDS}
    return kept


def load_experiment(path: Path | None, overrides: Mapping[str, Any], *, budget: str | None = None) -> Experiment:
    """Read a YAML file (or none), lay ``overrides`` (nested mappings) over it and validate. Raises `UsageError`.

    ``budget`` chooses one of the file's ``budgets``, which lies between the two; without it, a file that has budgets
    is taken at ``laptop``.
    """
    source = str(path or "the experiment")
    data = parse_mapping(read_text(path), source) if path is not None else {}
    data = _at_budget(data, budget, source)
    return validated(Experiment, merge_settings(_without_outdated(data, overrides), overrides), source)


def _at_budget(data: Mapping[str, Any], budget: str | None, source: str) -> dict[str, Any]:
    """The file's settings with those of one of its budgets laid over them; nothing of the other budgets is left."""
    shared = {field: value for field, value in data.items() if field != "budgets"}
    budgets = data.get("budgets", {})
    if not isinstance(budgets, Mapping) or not all(isinstance(one, Mapping) for one in budgets.values()):
        raise UsageError(
            f"{source}: budgets are a mapping of names to settings, such as 'budgets: {{smoke: {{steps: 1000}}}}'"
        )
    if not budgets:
        if budget is not None:
            raise UsageError(f"{source} has no budgets; the budget {budget!r} cannot be chosen: leave --budget out")
        return shared
    chosen = DEFAULT_BUDGET if budget is None else budget
    if chosen not in budgets:
        raise unknown_name(f"budget of {source}", chosen, map(str, budgets))
    return merge_settings(shared, budgets[chosen])


def parse_set(assignments: Sequence[str], parts: Mapping[str, str] = KEYS) -> dict[str, Any]:
    """Turn ``a.b=value`` texts into one nested mapping; values are YAML. Raises `UsageError`.

    ``parts`` as in `merge_settings`; empty for mappings that are not an experiment's.
    """
    result: dict[str, Any] = {}
    for assignment in assignments:
        dotted, equals, text = assignment.partition("=")
        path = [part.strip() for part in dotted.split(".")]
        if not equals or not all(path) or len(path) > MAX_DEPTH:
            raise UsageError(
                f"a setting is given as name=value, for example student.options.gamma=0.99; got {assignment!r}"
            )
        value = parse(text, f"the value of {dotted.strip()!r}")
        for name in reversed(path):
            value = {name: value}
        result = merge_settings(result, value, parts)
    return result
