"""Atomic files, and trees of arrays and JSON values in one file. Nothing is pickled."""

from __future__ import annotations

import json
import os
import uuid
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from teachrl.errors import TeachrlError

_JSON_ENTRY = "__json__"

StateTree = dict[str, Any]
"""Dicts, lists, JSON values and arrays; keys are text. What `state` returns and a checkpoint holds."""


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that, whenever the machine stops, the old file or the new one is there in full."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all. Values that JSON does not have (NaN) become null."""
    write_bytes(path, (json.dumps(_finite(value), indent=1) + "\n").encode())


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def read_json(path: Path) -> Any:
    """Read JSON; an unreadable file is a `TeachrlError` that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TeachrlError(f"{path} cannot be read: {error}") from error


def write_tree(path: Path, tree: dict[str, Any]) -> None:
    """Write a tree of dicts, lists, JSON values and arrays as one ``.npz``."""
    arrays: dict[str, Any] = {}
    text = json.dumps(_take_arrays(tree, arrays))
    with path.open("wb") as file:
        arrays[_JSON_ENTRY] = np.frombuffer(text.encode(), dtype=np.uint8)
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())


def _take_arrays(value: Any, arrays: dict[str, Any]) -> Any:
    """``value`` as JSON, with each array moved into ``arrays`` and its place marked."""
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError("a checkpoint cannot hold arrays of Python objects")
        arrays[f"a{len(arrays)}"] = value
        return {"__array__": f"a{len(arrays) - 1}"}
    if isinstance(value, dict):
        return {key: _take_arrays(part, arrays) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_take_arrays(part, arrays) for part in value]
    return value.item() if isinstance(value, (np.bool_, np.integer, np.floating)) else value


def read_tree(path: Path) -> dict[str, Any]:
    """The inverse of `write_tree`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            tree: dict[str, Any] = _put_arrays(json.loads(file[_JSON_ENTRY].tobytes()), file)
            return tree
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TeachrlError(f"{path} cannot be read: {error}") from error


def _put_arrays(value: Any, file: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"__array__"}:
            return file[value["__array__"]]
        return {key: _put_arrays(part, file) for key, part in value.items()}
    return [_put_arrays(part, file) for part in value] if isinstance(value, list) else value
