"""Training a level VAE: random levels without end, checkpoints, and going on from them with the same numbers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from teachrl.errors import UsageError
from teachrl.level_vae.config import LevelVAEConfig
from teachrl.level_vae.files import VAEFile, read_file, write_file
from teachrl.level_vae.model import initialized, kl_divergence
from teachrl.level_vae.sequences import PADDING, LevelSequences
from teachrl.nn.tensors import to_arrays, to_tensors
from teachrl.signals import stop_signals
from teachrl.versions import versions


@dataclass(frozen=True)
class VAEProgress:
    """After ``step`` of ``steps``: of that step's levels, cross-entropy of their tokens and KL, nats a level."""

    step: int
    steps: int
    cross_entropy: float
    kl: float
    seconds: float


class VAETraining:
    """A network, its optimiser and its stream of random levels. All randomness is from one generator.

    Loss: ``reconstruction_weight`` x cross-entropy + ``kl_weight`` x (1 + tanh((step - midpoint) / width)) / 2 x KL.
    """

    def __init__(self, config: LevelVAEConfig, sequences: LevelSequences, seed: int, device: str = "cpu") -> None:
        self.config, self.sequences, self.seed, self._device = config, sequences, seed, device
        self.vae = initialized(config, sequences, seed).to(device)
        self._optimizer = torch.optim.Adam(self.vae.parameters(), lr=config.learning_rate)
        self._rng = np.random.default_rng([seed, 0])
        self.step = 0

    def advance(self) -> tuple[float, float]:
        """One gradient step. Returns the step's cross-entropy and KL, nats a level."""
        config, n = self.config, self.config.batch_size
        tokens = torch.from_numpy(self.sequences.encode(self.sequences.sample(self._rng, n), self._rng))
        tokens = tokens.to(self._device)
        mean, log_variance = self.vae.encode(tokens)
        noise = self._tensor(self._rng.standard_normal((n, config.latent_size), dtype=np.float32))
        logits = self.vae.reconstruct(mean + (0.5 * log_variance).exp() * noise, tokens, self._dropout())
        cross_entropy, loss = self._reconstruction(logits, self.vae.targets(tokens))
        kl = kl_divergence(mean, log_variance).mean()
        rise = 0.5 * (1 + math.tanh((self.step - config.kl_midpoint) / config.kl_width))
        self._descend(config.reconstruction_weight * loss + config.kl_weight * rise * kl)
        self.step += 1
        return cross_entropy, kl.item()

    def _reconstruction(self, logits: Tensor, targets: Tensor) -> tuple[float, Tensor]:
        """Cross-entropy of a level's own tokens in nats, and the term of the loss."""
        each = functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
        own = (each * (targets != PADDING)).sum(dim=1).mean()
        return own.item(), own if self.config.reconstruction == "level_sum" else each.mean()

    def _dropout(self) -> Tensor | None:
        config = self.config
        if config.dropout == 0:
            return None
        shape = (config.batch_size, self.sequences.length + 1, config.embedding_size + config.latent_size)
        kept = self._rng.random(shape, dtype=np.float32) >= config.dropout
        return self._tensor(kept / np.float32(1 - config.dropout))

    def _descend(self, loss: Tensor) -> None:
        config = self.config
        decay = 0.5 * (1 + math.cos(math.pi * self.step / config.steps)) if config.learning_rate_decay != "none" else 1
        for group in self._optimizer.param_groups:
            group["lr"] = config.learning_rate * decay
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        if config.gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.vae.parameters(), config.gradient_norm)
        self._optimizer.step()

    def _tensor(self, values: Any) -> Tensor:
        return torch.from_numpy(values).to(self._device)

    def state(self) -> dict[str, Any]:
        """Everything that decides the coming steps."""
        return {
            "network": to_arrays(self.vae.state_dict()),
            "optimizer": to_arrays(self._optimizer.state_dict()),
            "generator": self._rng.bit_generator.state,
            "step": self.step,
        }

    def file(self) -> VAEFile:
        """What a checkpoint holds."""
        return VAEFile(self.config, self.sequences, self.seed, versions(), self.state())

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken."""
        self.vae.load_state_dict(to_tensors(state["network"], self._device))
        self._optimizer.load_state_dict(to_tensors(state["optimizer"], self._device))
        self._rng.bit_generator.state = state["generator"]
        self.step = state["step"]


def train_vae(
    path: Path,
    config: LevelVAEConfig,
    sequences: LevelSequences,
    seed: int,
    *,
    device: str = "cpu",
    save_every: int = 1000,
    on_progress: Callable[[VAEProgress], None] = lambda progress: None,
) -> VAETraining:
    """Train until ``config.steps`` and keep the file ``path`` up to date; one that is there is continued.

    A first Ctrl-C or SIGTERM saves and returns early. Raises `UsageError` where the file was trained with other
    settings, where its folder is missing, and for ``device="cuda"`` on a machine that has none.
    """
    if not path.parent.is_dir():
        raise UsageError(f"the level VAE is to be written to {path}, and there is no folder {path.parent}: make it")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("device 'cuda' was asked for, and torch finds none here; give 'cpu'")
    training = VAETraining(config, sequences, seed, device)
    if path.exists():
        training.restore(_matching_state(path, training))
    start = time.monotonic()
    with stop_signals() as stopped:
        while training.step < config.steps and not stopped.is_set():
            cross_entropy, kl = training.advance()
            on_progress(VAEProgress(training.step, config.steps, cross_entropy, kl, time.monotonic() - start))
            if training.step % save_every == 0:
                write_file(path, training.file())
    write_file(path, training.file())
    return training


def _matching_state(path: Path, training: VAETraining) -> dict[str, Any]:
    file = read_file(path)
    wanted = {**training.config.model_dump(), **asdict(training.sequences), "seed": training.seed}
    there = {**file.config.model_dump(), **asdict(file.sequences), "seed": file.seed}
    different = [f"{name}={there[name]} there, {wanted[name]} here" for name in wanted if wanted[name] != there[name]]
    if different:
        raise UsageError(f"{path} was trained with other settings: {'; '.join(different)}. Give another file to -o")
    return file.state
