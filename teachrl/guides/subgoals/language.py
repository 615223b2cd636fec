"""Sentence embeddings of the names of objects, for sub-goals told in language. Each name is embedded once, ever.

Source: Words as Beacons 2024 (arXiv 2410.08632), with 384 numbers a name from a frozen sentence encoder. Deviations:
any encoder, and vectors are scaled to length 1, so that encoders of different scales mean the same to the student.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from teachrl.config.settings import Name, Settings
from teachrl.errors import TeachrlError, UsageError
from teachrl.files import read_tree, write_tree
from teachrl.guides.subgoals.llm.budget import Budget
from teachrl.guides.subgoals.llm.endpoint import Endpoint, EndpointSettings

Vector = NDArray[np.float32]
PROBE = "goal"
"""The name whose vector tells how long vectors are, when none is known."""


class LanguageConfig(Settings):
    """Which encoder makes vectors of names, and where they are kept."""

    cache: Name = Field(description="file that keeps the vectors (.npz); complete, it needs neither model nor network")
    endpoint: EndpointSettings | None = Field(None, description="an endpoint with /v1/embeddings")
    model_path: Name | None = Field(None, description="folder of a sentence-transformers model on this machine")

    @model_validator(mode="after")
    def _one_encoder(self) -> LanguageConfig:
        if self.endpoint is not None and self.model_path is not None:
            raise ValueError("give one encoder: an endpoint or a model_path")
        return self

    @property
    def encoder(self) -> str:
        """Names the encoder; empty where only the file is used."""
        return self.endpoint.model if self.endpoint is not None else Path(self.model_path or "").name


class Embeddings:
    """Vectors of length 1 by name.

    Raises `UsageError` for a file of another encoder and for names that nobody can embed.
    """

    def __init__(self, config: LanguageConfig) -> None:
        self.config = config
        self._path = Path(config.cache)
        self._vectors: dict[str, Vector] = self._read() if self._path.exists() else {}
        self._encode: Callable[[Sequence[str]], Any] | None = None

    @property
    def size(self) -> int:
        """Numbers in a vector."""
        if not self._vectors:
            self.embed([PROBE])
        return len(next(iter(self._vectors.values())))

    def embed(self, names: Sequence[str]) -> dict[str, Vector]:
        """A float32 vector ``(size,)`` for each name; those that are new are kept in the file."""
        new = sorted(set(names) - self._vectors.keys())
        if new:
            self._vectors |= dict(zip(new, self._new_vectors(new), strict=True))
            self._write()
        return {name: self._vectors[name] for name in names}

    def _new_vectors(self, names: list[str]) -> Vector:
        if self._encode is None:
            self._encode = self._load(names)
        vectors = _as_array(self._encode(names))
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True) if vectors.ndim == 2 else np.zeros(1)
        known = next(iter(self._vectors.values()), None)
        right = vectors.ndim == 2 and len(vectors) == len(names) and (known is None or vectors.shape[1] == len(known))
        if not right or not np.isfinite(vectors).all() or not (lengths > 0).all():
            raise TeachrlError(
                f"the encoder {self.config.encoder!r} gave an array of shape {vectors.shape} for {len(names)} names; "
                f"expected one vector a name, finite and not 0, as long as those in {self._path}"
            )
        return np.asarray(vectors / lengths, dtype=np.float32)

    def _load(self, names: list[str]) -> Callable[[Sequence[str]], Any]:
        if self.config.endpoint is not None:
            endpoint = Endpoint(self.config.endpoint, Budget(None, None), threading.Event())
            return endpoint.embed
        if self.config.model_path is not None:
            return _local_encoder(Path(self.config.model_path))
        raise UsageError(
            f"{self._path} lacks the vectors of {', '.join(names[:5])}, and no encoder is given; "
            "set endpoint or model_path once to add them"
        )

    def _read(self) -> dict[str, Vector]:
        tree = read_tree(self._path)
        encoder, vectors = tree.get("encoder"), tree.get("vectors")
        if not isinstance(vectors, dict) or self.config.encoder not in ("", encoder):
            raise UsageError(
                f"{self._path} holds vectors of the encoder {encoder!r}, and {self.config.encoder!r} is wanted; "
                "use another cache file for another encoder"
            )
        return {name: np.asarray(vector, dtype=np.float32) for name, vector in vectors.items()}

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}.tmp")
        write_tree(temporary, {"encoder": self.config.encoder, "vectors": dict(self._vectors)})
        temporary.replace(self._path)


def _as_array(vectors: Any) -> NDArray[np.float32]:
    """Whatever an encoder gave; an empty array where that is no table of numbers."""
    try:
        return np.asarray(vectors, dtype=np.float32)
    except (ValueError, TypeError, OverflowError):
        return np.zeros(0, dtype=np.float32)


def _local_encoder(folder: Path) -> Callable[[Sequence[str]], Any]:
    if not (folder / "config.json").is_file():
        raise UsageError(f"{str(folder)!r} is no folder of a sentence-transformers model: it has no config.json")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise UsageError(
            "a local language encoder needs sentence-transformers: pip install 'teachrl[language]'"
        ) from None
    try:
        model: Any = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    except Exception as error:  # whatever the libraries raise on a broken folder
        raise UsageError(f"{str(folder)!r} cannot be loaded: {type(error).__name__}: {str(error)[:300]}") from None
    return lambda names: model.encode(list(names), show_progress_bar=False)
