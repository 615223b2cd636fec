"""The attributes of an object and of all that it holds of teachrl's and of Stable-Baselines3's classes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch

# What cannot change: settings, spaces, functions, and what the context hands to the teacher as it is.
FIXED = ("context", "config", "settings", "space", "observation_space", "action_space")


def attributes(thing: Any, path: str = "", seen: frozenset[int] = frozenset()) -> Iterator[tuple[str, bytes]]:
    """Pairs of a path and the bytes of its content; an object that was met on the way is not entered again."""
    if id(thing) in seen:
        return
    seen = seen | {id(thing)}
    if isinstance(thing, np.random.Generator):
        yield path, repr(thing.bit_generator.state).encode()
    elif isinstance(thing, (np.ndarray, np.generic)):
        array = np.asarray(thing)
        yield path, repr((array.shape, array.dtype)).encode() + array.tobytes()
    elif isinstance(thing, torch.Tensor):
        yield path, thing.detach().cpu().numpy().tobytes()
    elif isinstance(thing, (torch.nn.Module, torch.optim.Optimizer)):
        yield from attributes(thing.state_dict(), path, seen)
    elif isinstance(thing, Mapping):
        yield f"{path}.keys()", repr(list(thing)).encode()
        for key, part in thing.items():
            yield from attributes(part, f"{path}[{key!r}]", seen)
    elif isinstance(thing, (list, tuple, deque, set, frozenset)):
        yield f"len({path})", str(len(thing)).encode()
        for i, part in enumerate(thing):
            yield from attributes(part, f"{path}[{i}]", seen)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for f in fields(thing):
            yield from attributes(getattr(thing, f.name), f"{path}.{f.name}", seen)
    elif thing is None or isinstance(thing, (bool, int, float, str, bytes)):
        yield path, repr(thing).encode()
    elif type(thing).__module__.split(".")[0] in ("teachrl", "tests", "stable_baselines3"):
        for name, part in vars(thing).items():
            if name not in FIXED:
                yield from attributes(part, f"{path}.{name}" if path else name, seen)


def undeclared(before: Mapping[str, bytes], used: Any, restored: Any) -> list[str]:
    """Attributes that changed in use and are not what they were after `restore`."""
    now, again = dict(attributes(used)), dict(attributes(restored))
    return sorted(path for path in now if now[path] != before.get(path) and now[path] != again.get(path))
