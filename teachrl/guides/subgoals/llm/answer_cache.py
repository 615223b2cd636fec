"""What was asked for sub-goals and what came: one JSON object a line, only ever appended to.

A line is whole or ignored. A writer that was killed leaves at most one torn line, which the next one ends, so that
nothing else is lost. The file is locked while something is asked, so that no level is asked twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from teachrl.config.settings import Settings
from teachrl.errors import TeachrlError, UsageError
from teachrl.guides.subgoals.level import GridLevel, Subgoal, Thing

LONGEST_KEPT = 4_000
"""Characters kept of what a model said."""


class KeptSubgoal(Settings):
    """A sub-goal in the file."""

    cell: tuple[int, int]
    name: str


class KeptFault(Settings):
    """Why an answer was not used."""

    kind: str
    words: str


class Source(Settings):
    """Who was asked and how: everything that answers depend on, apart from the level."""

    model: str
    prompt: str = Field(default="", description="version of the prompt; empty for providers that have none")
    prompt_digest: str = ""
    parameters: dict[str, Any] = Field(default={})

    @property
    def group(self) -> str:
        """One text for all answers that may stand in for each other. A digest is to differ only by mistake."""
        return json.dumps([self.model, self.prompt, self.parameters], sort_keys=True)


class Answer(Settings):
    """One line: a level, who was asked, what was said, and how it ended.

    ``answered`` at once, ``repaired`` when asked again with the fault in words, or ``fallback``: no usable answer, and
    ``subgoals`` are what stood in for it. ``said`` are the raw answers in order, cut to 4,000 characters.
    """

    environment: str
    key: str
    level: str
    source: Source
    ended: Literal["answered", "repaired", "fallback"]
    fallback: Literal["", "none", "planner", "abort"] = ""
    subgoals: tuple[KeptSubgoal, ...]
    said: tuple[Annotated[str, Field(max_length=LONGEST_KEPT)], ...] = ()
    faults: tuple[KeptFault, ...] = ()
    requests: int = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    answer_tokens: int = Field(default=0, ge=0)
    seconds: float = 0.0

    def played(self) -> tuple[Subgoal, ...]:
        """The sub-goals as guides take them."""
        return tuple(Subgoal(kept.cell, kept.name) for kept in self.subgoals)


def level_digest(level: GridLevel) -> str:
    """Names what a level is, whatever its seed: another version of an environment makes other levels of a seed."""
    things = [_digested(thing) for thing in level.things]
    what = [level.width, level.height, sorted(level.walls), things, level.agent, level.direction, level.mission]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:16]


def _digested(thing: Thing | None) -> Any:
    return thing and [thing.kind, thing.color, thing.cell, thing.state, _digested(thing.contains)]


def kept_subgoals(subgoals: Iterable[Subgoal]) -> tuple[KeptSubgoal, ...]:
    """Sub-goals as the file holds them."""
    return tuple(KeptSubgoal(cell=subgoal.cell, name=kept_text(subgoal.name)) for subgoal in subgoals)


def kept_text(text: str) -> str:
    """As much of a text as is kept, and nothing in it that JSON cannot hold."""
    return text[:LONGEST_KEPT].encode("utf-8", "replace").decode()


class AnswerCache:
    """The answers of a file, which need not exist yet. Raises `TeachrlError` where it cannot be read or written.

    ``ignored`` counts lines that are no answers.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ignored = 0
        self._answers: dict[tuple[str, str, str], Answer] = {}
        self._read_to = 0
        self._file: int | None = None
        self.refresh()

    def __len__(self) -> int:
        return len(self._answers)

    def answers(self) -> list[Answer]:
        """All of them, in the order of the file; of two for the same question the first."""
        return list(self._answers.values())

    def get(self, level: GridLevel, source: Source) -> Answer | None:
        """The answer about a level. Raises `UsageError` when the level or the prompt is not what it was then."""
        answer = self._answers.get((level.environment, level.key, source.group))
        if answer is None:
            return None
        if answer.source.prompt_digest != source.prompt_digest:
            raise UsageError(
                f"{self.path} holds answers to another text of prompt version {source.prompt!r}; "
                "give a changed prompt a new version, or use another cache file"
            )
        if answer.level != level_digest(level):
            raise UsageError(
                f"{self.path} holds an answer about another level for {level.environment}, key {level.key}: the "
                "environment makes other levels of its seeds now (another version?); collect into a new file"
            )
        return answer

    def refresh(self) -> None:
        """Read what was added to the file since; a last line without its end is left for later."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                new = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise TeachrlError(f"cannot read the cache of sub-goals {self.path}: {error.strerror}") from None
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            answer = Answer.model_validate_json(line)
        except ValidationError:
            self.ignored += bool(line.strip())
            return
        self._answers.setdefault((answer.environment, answer.key, answer.source.group), answer)

    @contextmanager
    def writing(self, wait: bool = True) -> Iterator[None]:
        """The right to ask and to add, for one process at a time; others wait, or get `TeachrlError` at once.

        Within, everything that others added is known.
        """
        if self._file is not None:
            yield
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise TeachrlError(f"cannot write the cache of sub-goals {self.path}: {error.strerror}") from None
        try:
            self._lock(self._file, wait)
            self.refresh()
            yield
        finally:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int, wait: bool) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise TeachrlError(
                f"another process is asking for sub-goals and adds them to {self.path}; wait until it ends"
            ) from None
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            os.write(file, b"\n")

    def add(self, answer: Answer) -> None:
        """Append an answer, within `writing`; it is on the disk when this returns."""
        if self._file is None:
            raise RuntimeError("AnswerCache.add is for use within AnswerCache.writing")
        line = answer.model_dump_json().encode() + b"\n"
        try:
            written = os.write(self._file, line)
            os.fsync(self._file)
        except OSError as error:
            raise TeachrlError(f"cannot write the cache of sub-goals {self.path}: {error.strerror}") from None
        if written != len(line):
            raise TeachrlError(f"cannot write the cache of sub-goals {self.path}: the disk is full")
        self.refresh()
