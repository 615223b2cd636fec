"""State by declaration: a class names the attributes that a checkpoint holds; `Stateful` saves and restores them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

import numpy as np

from teachrl.files import StateTree

Saved = tuple[str, ...] | Mapping[str, str]


class Stateful:
    """Saves its generator ``self.rng``, if it has one, and the attributes that the classes up to it name in ``saved``.

    An attribute may hold JSON values, arrays, a generator, dicts with text keys, lists, tuples, deques or dataclasses
    of these, and whatever has ``state`` and ``restore`` of its own. It is restored to the type that it has when
    `restore` is called: the limit of a deque and the class of a dataclass are not saved. What needs more than that is
    added in ``state`` and ``restore`` of the class, beside what ``super()`` does.
    """

    saved: ClassVar[Saved] = ()
    """Names of attributes, saved under these without leading underscores; a mapping gives other keys.

    A class names its own; those of its bases are saved as well.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(vars(cls).get("saved"), str):
            raise TypeError(f"{cls.__name__}.saved is a tuple of names of attributes, or a mapping, and no text")
        keys = list(saved_attributes(cls).values())
        if len(set(keys)) < len(keys):
            raise TypeError(f"{cls.__name__} saves two attributes under the same key: {sorted(keys)}")

    def state(self) -> StateTree:
        """Everything that affects what comes next, as a tree of dicts, JSON values and arrays."""
        return {key: _kept(getattr(self, name), name) for name, key in self._all_saved().items()}

    def restore(self, state: StateTree) -> None:
        """Go on exactly where `state` was taken."""
        for name, key in self._all_saved().items():
            setattr(self, name, _restored(state[key], getattr(self, name, None)))

    def _all_saved(self) -> dict[str, str]:
        own = {"rng": "rng"} if isinstance(getattr(self, "rng", None), np.random.Generator) else {}
        return {**own, **saved_attributes(type(self))}


def saved_attributes(cls: type) -> dict[str, str]:
    """The key of each attribute that a class or one of its bases names in ``saved``."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        declared = vars(base).get("saved", ()) if issubclass(base, Stateful) else ()
        found.update(declared if isinstance(declared, Mapping) else {name: name.lstrip("_") for name in declared})
    return found


def _kept(value: Any, name: str) -> Any:
    """A copy of ``value`` as a tree."""
    if hasattr(value, "restore"):
        return value.state()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _kept(getattr(value, f.name), f"{name}.{f.name}") for f in fields(value)}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _kept(part, f"{name}.{key}") for key, part in value.items()}
    if isinstance(value, (list, tuple, deque)):
        return [_kept(part, f"{name}.{i}") for i, part in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{name} is a {type(value).__name__}, which `saved` cannot hold: save it in state() and restore()")


def _restored(kept: Any, present: Any) -> Any:
    """A copy of ``kept``, of the type of ``present``; what restores itself does so, and is returned."""
    if kept is None:
        return None
    if hasattr(present, "restore"):
        present.restore(kept)
        return present
    if isinstance(present, np.random.Generator):
        present.bit_generator.state = kept
        return present
    if is_dataclass(present) and not isinstance(present, type):
        return type(present)(**{name: _restored(part, getattr(present, name)) for name, part in kept.items()})
    if isinstance(kept, dict):
        parts = present if isinstance(present, dict) else {}
        return {key: _restored(part, parts.get(key)) for key, part in kept.items()}
    if isinstance(kept, list):
        return _sequence(kept, present)
    return np.array(kept) if isinstance(kept, np.ndarray) else kept


def _sequence(kept: list[Any], present: Any) -> Any:
    """As many as were kept; those that are there already say of what type their place is."""
    there = list(present) if isinstance(present, (list, tuple, deque)) else []
    parts = [_restored(part, there[i] if i < len(there) else None) for i, part in enumerate(kept)]
    if isinstance(present, deque):
        return deque(parts, present.maxlen)
    return tuple(parts) if isinstance(present, tuple) else parts
