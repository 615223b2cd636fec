"""Errors that a user can act on. Their message is the whole story: expected, got, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TeachrlError(Exception):
    """Something a user can mend. The command line prints the message, without a traceback, and exits with 1."""


class UsageError(TeachrlError):
    """The request itself is wrong (a flag, a file, a name). The command line exits with 2."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in a registry, with the closest known one."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return UsageError(f"unknown {kind} {name!r}{hint} Known: {', '.join(names) or 'none'}")
