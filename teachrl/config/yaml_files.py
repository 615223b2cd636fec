"""YAML as experiments use it: safe, bounded, with line numbers in every complaint, and read back equal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from teachrl.errors import UsageError

MAX_FILE_BYTES = 1_000_000
MAX_DEPTH = 40


def plain(value: Any, depth: int = 0) -> Any:
    """A copy made of what a YAML file can hold and give back equal; ``ValueError`` for anything else."""
    if depth > MAX_DEPTH:
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("must not hold nan or infinity")
        return float(value)
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("must have text as the name of every setting")
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"must hold texts, numbers, true/false, lists and mappings, not a {type(value).__name__}")


class _Loader(yaml.SafeLoader):
    """Safe YAML in which ``1e6`` is a number, keys are unique, nesting is bounded and nothing is aliased."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        # An alias can make a short file unfold without end.
        problem = "aliases (*name) are not supported" if self.check_event(yaml.AliasEvent) else None
        if self.depth > MAX_DEPTH:
            problem = f"nested deeper than {MAX_DEPTH} levels"
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads back equal."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _exponent(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | float:
    number = float(node.value)
    # ``buffer_size: 1e6`` means a whole number; beyond 2**53 a float no longer says which.
    return int(number) if abs(number) < 2**53 and number == int(number) else number


# YAML 1.1 takes ``1e6`` and ``3e-4`` for texts; nobody who writes them means that.
for _side in (_Loader, _Dumper):
    yaml.add_implicit_resolver(
        "!exponent",
        re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
        list("-+.0123456789"),
        Loader=_side,
        Dumper=_side,
    )
_Loader.add_constructor("!exponent", _exponent)


def parse(text: str, source: str) -> Any:
    """The value that a YAML text holds. ``source`` is named in errors. Raises `UsageError`."""
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        context = f"{error.context}: " if error.context else ""
        raise UsageError(f"{source}{line}: not valid YAML: {context}{error.problem}") from None
    except yaml.reader.ReaderError as error:
        line_number = text[: error.position].count("\n") + 1
        raise UsageError(f"{source} line {line_number}: not valid YAML: {error.reason}") from None
    except Exception as error:
        # PyYAML lets whatever int(), datetime() and the like raise on a malformed scalar through, without its place.
        raise UsageError(f"{source}: holds a value that cannot be read: {type(error).__name__}: {error}") from None


def read_text(path: Path) -> str:
    """The text of a settings file. Raises `UsageError` for one that is missing, too large or not text."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read the experiment file {str(path)!r}: {reason}") from None
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(f"{path}: an experiment file has less than {MAX_FILE_BYTES:,} bytes; this one has more")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path} line {line}: not a text file in UTF-8") from None


def dump(data: Mapping[str, Any]) -> str:
    """YAML of ``data`` that `parse` reads back equal. ``ValueError`` when it holds what YAML cannot."""
    return yaml.dump(plain(data), Dumper=_Dumper, sort_keys=False, width=120)
