"""From latent vectors to levels, in batches: whatever the network says, what comes out is a level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from teachrl.errors import UsageError
from teachrl.level_vae.files import read_file
from teachrl.level_vae.model import Decoder
from teachrl.level_vae.sequences import PADDING, Levels, LevelSequences, Tokens
from teachrl.nn.tensors import to_arrays, to_tensors

BATCH = 1024  # levels at once: more would not be faster, and would need more memory


class LevelDecoder:
    """The decoder of a level VAE: latent vectors in, level vectors (`LevelTaskSpace`) out.

    Tokens are chosen one after the other among those that can still lead to a level: no cell comes twice, walls are in
    ascending order (where the sequences are in order), and after the budget of walls, goal and agent the sequence ends.

    ``module`` is the torch network, for whoever wants to train it further; ``latent_size`` the length of a latent.
    """

    def __init__(self, module: Decoder, sequences: LevelSequences, latent_size: int) -> None:
        self.module, self.sequences, self.latent_size = module, sequences, latent_size

    def decode(self, latents: NDArray[np.floating[Any]], rng: np.random.Generator | None = None) -> Levels:
        """Levels of ``latents``, shape ``(n, latent_size)``: vectors ``(n, cells + 3)``, looking right.

        Each token is the most probable one, or with ``rng`` drawn from its probabilities. Raises `UsageError` for
        latents of another shape, and for some that are not finite in single precision.
        """
        with np.errstate(over="ignore"):
            latents = np.asarray(latents, dtype=np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latent_size or not np.isfinite(latents).all():
            raise UsageError(
                f"latents are finite numbers of shape (n, {self.latent_size}), as this level VAE was trained with; got "
                f"shape {latents.shape}" + ("" if np.isfinite(latents).all() else " with numbers that are not finite")
            )
        batches = [self._tokens(latents[i : i + BATCH], rng) for i in range(0, len(latents), BATCH)]
        nothing = np.zeros((0, self.sequences.length), dtype=np.int64)
        return self.sequences.decode(np.concatenate([nothing, *batches]))

    @torch.no_grad()
    def _tokens(self, latents: NDArray[np.float32], rng: np.random.Generator | None) -> Tokens:
        device = self.module.output.weight.device
        read = torch.from_numpy(latents).to(device)
        prefixes = Prefixes(self.sequences, len(latents), device)
        last, state = torch.full((len(latents),), self.sequences.go, device=device), None
        while not prefixes.ended.all():
            logits, state = self.module(read, last[:, None], state)
            scores = logits[:, 0]
            if rng is not None:
                # The largest of the logits with Gumbel noise is a draw from their softmax.
                scores = scores + torch.from_numpy(rng.gumbel(size=tuple(scores.shape)).astype(np.float32)).to(device)
            last = torch.where(prefixes.allowed(), scores, -torch.inf).argmax(dim=1)
            prefixes.append(last)
        return prefixes.tokens.cpu().numpy()

    def weights(self) -> dict[str, Any]:
        """The network's weights as a tree of arrays."""
        tree: dict[str, Any] = to_arrays(self.module.state_dict())
        return tree

    def load_weights(self, weights: dict[str, Any]) -> None:
        """The inverse of `weights`."""
        self.module.load_state_dict(to_tensors(weights, self.module.output.weight.device))


class Prefixes:
    """The sequences so far, and which tokens may come next.

    Among sequences in order, the first cell that is not above the one before it can only be goal or agent, so at most
    one more cell follows it. ``tokens`` has shape ``(n, length)``, padded; ``ended`` ``(n,)``.
    """

    def __init__(self, sequences: LevelSequences, n: int, device: torch.device) -> None:
        self._sequences = sequences
        self.tokens = torch.full((n, sequences.length), PADDING, device=device)
        self.ended = torch.zeros(n, dtype=torch.bool, device=device)
        self._unused = torch.zeros((n, sequences.vocabulary_size), dtype=torch.bool, device=device)
        self._unused[:, 1 : sequences.cells + 1] = True
        self._count, self._last, self._after = (torch.zeros(n, dtype=torch.int64, device=device) for _ in range(3))

    def allowed(self) -> Tensor:
        """Shape ``(n, vocabulary)``; padding alone after the end."""
        full = (self._count == self._sequences.length) | (self._after == 2) | self.ended
        allowed = self._unused & ~full[:, None]
        allowed[:, self._sequences.end] = (self._count >= 2) & ~self.ended
        allowed[:, PADDING] = self.ended
        return allowed

    def append(self, chosen: Tensor) -> None:
        """Add one allowed token to each sequence, shape ``(n,)``."""
        self.ended |= chosen == self._sequences.end
        rows = torch.nonzero(~self.ended)[:, 0]
        cells = chosen[rows]
        self.tokens[rows, self._count[rows]] = cells
        self._unused[rows, cells] = False
        if self._sequences.in_order:
            self._after[rows] += (self._after[rows] > 0) | (cells < self._last[rows])
        self._last[rows] = cells
        self._count[rows] += 1


def load_decoder(path: Path | str, space: object) -> LevelDecoder:
    """The decoder of a file that ``teachrl vae train`` wrote, for the mazes of ``space`` (a `LevelTaskSpace`).

    Raises `UsageError` for a file of other mazes or of something else, and for a space that holds no mazes;
    `TeachrlError` for a file that cannot be read.
    """
    vae = read_file(Path(path)).network()
    vae.sequences.check(space)
    return LevelDecoder(vae.decoder, vae.sequences, vae.config.latent_size)
