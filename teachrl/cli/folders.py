"""Where commands may put their folders."""

from __future__ import annotations

import os
from pathlib import Path

from teachrl.errors import UsageError

# Ray sets it for whatever runs as a submitted job.
JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"


def check_lasting(folder: Path, flag: str) -> None:
    """Raise `UsageError` for a folder that would be lost: a relative one in a job on a cluster."""
    if JOB in os.environ and not folder.is_absolute():
        raise UsageError(
            f"a job starts in a copy of the project that Ray deletes, and {folder} would be in it: give an absolute "
            f"path on storage that all nodes share, as in {flag} /shared/{folder.name}"
        )
