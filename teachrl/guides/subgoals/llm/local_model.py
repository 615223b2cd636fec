"""Serves a model file on this machine alone, in the protocol that the provider ``llm`` speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from teachrl.errors import TeachrlError, UsageError

LOOPBACK = "127.0.0.1"


class LocalModel:
    """A GGUF file behind an HTTP server on loopback, until the process ends; ``base_url`` is its address.

    ``slots`` requests are answered at a time, each with up to ``context // slots`` tokens. Raises `UsageError` for a
    file that is none, and `TeachrlError` when the server does not start.
    """

    def __init__(self, file: Path, port: int = 0, threads: int = 1, slots: int = 2, context: int = 8192) -> None:
        try:
            import xllamacpp
        except ImportError:
            raise UsageError("serving a model here needs xllamacpp: pip install 'teachrl[local-llm]'") from None
        _check_gguf(file)
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.hostnames, params.port = [LOOPBACK], port
        params.n_ctx, params.n_parallel = context, slots
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.verbosity, params.ui = -1, False
        try:
            self._server: Any = xllamacpp.Server(params)
        except Exception as error:  # of the native library
            raise TeachrlError(f"{file} cannot be served: {str(error)[:300] or type(error).__name__}") from None
        self.base_url = f"{self._server.listening_address}/v1"


def _check_gguf(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
    except OSError as error:
        raise UsageError(f"cannot read the model file {str(file)!r}: {error.strerror}") from None
    if start != b"GGUF":
        raise UsageError(f"{str(file)!r} is no GGUF file: it begins with {start!r}")
