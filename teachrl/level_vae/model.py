"""The recurrent variational autoencoder of level sequences.

Source: Azad et al. 2023 (CLUTR, arXiv 2210.10243): a sequence VAE as of Bowman et al. 2016 (arXiv 1511.06349) with
highway layers (Srivastava et al. 2015, arXiv 1505.00387) before its encoder.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from teachrl.level_vae.config import LevelVAEConfig
from teachrl.level_vae.sequences import PADDING, LevelSequences

CELLS: dict[str, type[nn.LSTM | nn.GRU]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class Highway(nn.Module):
    """``g relu(W x) + (1 - g) Q x`` with the gate ``g = sigmoid(G x)``."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gate, self.nonlinear, self.linear = (nn.Linear(size, size) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and the result have shape ``(..., size)``."""
        gate = torch.sigmoid(self.gate(x))
        mixed: Tensor = gate * functional.relu(self.nonlinear(x)) + (1 - gate) * self.linear(x)
        return mixed


class Shortcut(nn.Module):
    """A linear layer plus a network with one hidden layer of ``hidden`` units.

    It works once a level and not once a token, so that it costs little beside a recurrent network.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.nonlinear = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """From ``(n, inputs)`` to ``(n, outputs)``."""
        outputs: Tensor = self.linear(x) + self.nonlinear(x)
        return outputs


class Encoder(nn.Module):
    """A bidirectional recurrent network from embedded tokens to mean and log variance of the latent."""

    def __init__(self, config: LevelVAEConfig) -> None:
        super().__init__()
        self._summary = config.summary
        self.highway = nn.Sequential(*(Highway(config.embedding_size) for _ in range(config.highway_layers)))
        self.recurrent = CELLS[config.cell](
            config.embedding_size, config.encoder_size, batch_first=True, bidirectional=True
        )
        self.mean = (
            nn.Linear(2 * config.encoder_size, config.latent_size)
            if config.shortcut_size is None
            else Shortcut(2 * config.encoder_size, config.shortcut_size, config.latent_size)
        )
        self.log_variance = nn.Linear(2 * config.encoder_size, config.latent_size)
        nn.init.constant_(self.log_variance.bias, config.initial_log_variance)

    def forward(self, embedded: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """``embedded`` has shape ``(n, length, embedding)``; ``real``, ``(n, length)``, is False at padding."""
        outputs, _ = self.recurrent(self.highway(embedded))
        if self._summary == "sum":
            summary = (outputs * real[..., None]).sum(1) / embedded.shape[1] ** 0.5
        else:
            # Either direction's last output: one of them reads the padding last, the other first.
            forwards, backwards = outputs.chunk(2, dim=2)
            summary = torch.cat([forwards[:, -1], backwards[:, 0]], dim=1)
        return self.mean(summary), self.log_variance(summary)


class Decoder(nn.Module):
    """A recurrent network that reads the token before and the latent, and rates every token as the next."""

    def __init__(self, config: LevelVAEConfig, sequences: LevelSequences) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sequences.vocabulary_size, config.embedding_size)
        self.recurrent = CELLS[config.cell](
            config.embedding_size + config.latent_size, config.decoder_size, config.decoder_layers, batch_first=True
        )
        self.output = nn.Linear(config.decoder_size, sequences.vocabulary_size)
        # Which cells have walls is then said by the latent, and what is left to the recurrent network is the order.
        self.shortcut = (
            Shortcut(config.latent_size, config.shortcut_size, sequences.vocabulary_size)
            if config.shortcut_size is not None
            else None
        )

    def forward(
        self, latents: Tensor, inputs: Tensor, state: Any = None, dropout: Tensor | None = None
    ) -> tuple[Tensor, Any]:
        """Logits ``(n, length, vocabulary)`` of the tokens after ``inputs``, and the recurrent state at the end.

        ``latents`` has shape ``(n, latent_size)``, ``inputs`` ``(n, length)``; ``state`` is that of an earlier call,
        ``dropout`` multiplies what goes into the recurrent network.
        """
        repeated = latents[:, None].expand(-1, inputs.shape[1], -1)
        read = torch.cat([self.embedding(inputs), repeated], dim=2)
        outputs, state = self.recurrent(read if dropout is None else read * dropout, state)
        logits = self.output(outputs)
        return logits if self.shortcut is None else logits + self.shortcut(latents)[:, None], state


class LevelVAE(nn.Module):
    """Encoder and decoder, which share the embedding of tokens."""

    def __init__(self, config: LevelVAEConfig, sequences: LevelSequences) -> None:
        super().__init__()
        self.config, self.sequences = config, sequences
        self.decoder = Decoder(config, sequences)
        self.encoder = Encoder(config)

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents of sequences ``(n, length)``, each of shape ``(n, latent_size)``."""
        mean, log_variance = self.encoder(self.decoder.embedding(tokens), tokens != PADDING)
        return mean, log_variance

    def reconstruct(self, latents: Tensor, tokens: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Logits ``(n, length + 1, vocabulary)`` of ``targets(tokens)``, each with the true tokens before it read."""
        go = torch.full_like(tokens[:, :1], self.sequences.go)
        logits: Tensor = self.decoder(latents, torch.cat([go, tokens], dim=1), dropout=dropout)[0]
        return logits

    def targets(self, tokens: Tensor) -> Tensor:
        """The sequences with the end after them, shape ``(n, length + 1)``."""
        longer = functional.pad(tokens, (0, 1), value=PADDING)
        return longer.scatter(1, (tokens != PADDING).sum(1, keepdim=True), self.sequences.end)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """From the standard normal distribution, in nats, shape ``(n,)``."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)


def initialized(config: LevelVAEConfig, sequences: LevelSequences, seed: int) -> LevelVAE:
    """A new network; torch's global random generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LevelVAE(config, sequences)
