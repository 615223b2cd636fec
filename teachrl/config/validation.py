"""Turns pydantic's findings into messages that name the field, say what it is for and suggest the closest name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from teachrl.errors import UsageError

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], data: Mapping[str, Any], where: str) -> Model:
    """``data`` as a model. Raises `UsageError`, whose text begins with ``where``, for what cannot be used."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise UsageError(explain(error, where, model)) from None


def explain(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    """One line a problem: the field's path, what is wrong, what came and the field's help text."""
    lines = [f"{where} has {error.error_count()} setting(s) that cannot be used:"]
    for problem in error.errors(include_url=False)[:8]:
        path = [str(part) for part in problem["loc"]]
        lines.append(f"  {'.'.join(path) or '(whole)'}: {_complaint(problem, path, model)}")
    if error.error_count() > 8:
        lines.append(f"  ... and {error.error_count() - 8} more")
    return "\n".join(lines)


def _complaint(problem: Any, path: list[str], model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden":
        fields = _fields_at(model, path[:-1])
        close = difflib.get_close_matches(path[-1], fields, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(fields)}"
        return f"unknown setting; {hint}"
    got = repr(problem["input"])
    message = problem["msg"].removeprefix("Value error, ")
    text = message if problem["type"] == "missing" else f"{message}; got {got if len(got) <= 80 else got[:77] + '...'}"
    field = _model_at(model, path[:-1]).model_fields.get(path[-1]) if path else None
    return f"{text} ({field.description})" if field is not None and field.description else text


def _model_at(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """The nested model that a path of field names leads to."""
    for name in path:
        if name.isdigit():  # a place in a list of models, which `model` is already
            continue
        field = model.model_fields.get(name)
        candidates = (field.annotation, *get_args(field.annotation)) if field is not None else ()
        nested = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        if not nested:
            return model
        model = nested[0]
    return model


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    return list(_model_at(model, path).model_fields)
