"""Finds the experiments and suites that come with teachrl by their names, from whatever folder a command is given."""

from __future__ import annotations

from pathlib import Path

from teachrl.errors import unknown_name

FOLDER = Path("experiments")
PACKAGE = Path(__file__).parents[1]
DEFAULT_BUDGET = "laptop"
SUFFIXES = (".yaml", ".yml")


def folders() -> list[Path]:
    """Where experiments lie: ``experiments`` in the current folder, then those that came with teachrl.

    An installed wheel has the latter within the package, a clone beside it.
    """
    own = PACKAGE / FOLDER
    return [folder for folder in (FOLDER, own if own.is_dir() else PACKAGE.parent / FOLDER) if folder.is_dir()]


def files_by_name(within: str = "") -> dict[str, Path]:
    """The files at hand by their names; ``within`` is a folder such as ``suites``. The first of a name counts."""
    found: dict[str, Path] = {}
    for folder in folders():
        for file in sorted((folder / within).glob("*.yaml")):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def find(kind: str, name: str, within: str = "") -> Path:
    """The file that a path or a name stands for; a path wins. Raises `UsageError` for a name that is unknown.

    A path that leads nowhere is given back: who reads it says why that fails.
    """
    path = Path(name)
    try:
        if path.is_file():
            return path
    except OSError:  # a name too long for any file
        return path
    if name.endswith(SUFFIXES) or len(path.parts) != 1 or not name[0].isalnum():
        return path
    known = files_by_name(within)
    if name not in known:
        raise unknown_name(kind, name, known)
    return known[name]


def beside(path: Path) -> Path:
    """The file at ``path``, or the one that came with teachrl where ``experiments/...`` is not in this folder."""
    if path.exists() or path.parts[:1] != FOLDER.parts:
        return path
    found = (folder / path.relative_to(FOLDER) for folder in folders())
    return next((file for file in found if file.exists()), path)


def summary(file: Path) -> str:
    """What an experiment is about: the first line of its file, which is a comment."""
    with file.open(encoding="utf-8") as lines:
        first = lines.readline().strip()
    return first.removeprefix("#").strip() if first.startswith("#") else ""
