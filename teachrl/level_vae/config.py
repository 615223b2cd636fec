"""Sizes and training of the level VAE, and its two presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from teachrl.config.validation import validated
from teachrl.errors import unknown_name


class LevelVAEConfig(BaseModel):
    """Settings of a level VAE and of its training. The defaults are those of the preset ``small``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cell: Literal["lstm", "gru"] = Field("lstm", description="kind of recurrent network in encoder and decoder")
    embedding_size: int = Field(32, ge=1, description="numbers that stand for a token")
    highway_layers: int = Field(1, ge=0, description="highway layers between embedding and encoder")
    encoder_size: int = Field(64, ge=1, description="units of the encoder in each of its two directions")
    summary: Literal["last", "sum"] = Field(
        "sum", description="what of the encoder's outputs makes the latent: the last of each direction, or their sum"
    )
    latent_size: int = Field(64, ge=1, description="numbers in a latent vector")
    initial_log_variance: float = Field(-3.0, description="the encoder's log variances before training, about")
    decoder_size: int = Field(128, ge=1, description="units of each layer of the decoder")
    decoder_layers: int = Field(1, ge=1, description="layers of the decoder")
    shortcut_size: int | None = Field(
        256,
        ge=1,
        description="hidden units of two more networks: from the encoder's summary to the latent's mean, and from the "
        "latent straight to the decoder's logits; null: a linear layer there, and nothing",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the decoder's inputs set to zero while training")
    reconstruction: Literal["token_mean", "level_sum"] = Field(
        "level_sum",
        description="cross-entropy: mean over all tokens with the padding, or sum over a level's own tokens",
    )
    reconstruction_weight: float = Field(1.0, gt=0, description="factor of the cross-entropy in the loss")
    kl_weight: float = Field(0.02, ge=0, description="factor of the KL divergence once its schedule has ended")
    kl_midpoint: float = Field(1000.0, description="step at which the factor of the KL divergence is half of that")
    kl_width: float = Field(300.0, gt=0, description="steps over which that factor rises")
    learning_rate: float = Field(3e-3, gt=0, description="step size of Adam")
    learning_rate_decay: Literal["none", "cosine"] = Field(
        "cosine", description="whether the step size falls to zero along half a cosine over all steps"
    )
    gradient_norm: float | None = Field(5.0, gt=0, description="longer gradients are shortened to this; null: never")
    batch_size: int = Field(64, ge=1, description="levels in a step")
    steps: int = Field(14_000, ge=1, description="gradient steps")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "small": {},
    "clutr2022": {
        "cell": "lstm",
        "embedding_size": 300,
        "highway_layers": 2,
        "encoder_size": 600,
        "summary": "last",
        "latent_size": 64,
        "initial_log_variance": 0.0,
        "decoder_size": 800,
        "decoder_layers": 2,
        "shortcut_size": None,
        "dropout": 0.3,
        "reconstruction": "token_mean",
        "reconstruction_weight": 79.0,
        "kl_weight": 1.0,
        "kl_midpoint": 3500.0,
        "kl_width": 1000.0,
        "learning_rate": 5e-5,
        "learning_rate_decay": "none",
        "gradient_norm": None,
        "batch_size": 32,
        "steps": 1_000_000,
    },
}


def make_config(preset: str = "small", changes: Mapping[str, Any] | None = None) -> LevelVAEConfig:
    """The settings of a preset with some of them changed. Raises `UsageError` for a name or value that is none."""
    if preset not in PRESETS:
        raise unknown_name("preset of the level VAE", preset, PRESETS)
    return validated(LevelVAEConfig, {**PRESETS[preset], **(changes or {})}, "the level VAE")
