"""The settings of `RecurrentPPOStudent`, and whether they fit a student's context."""

from __future__ import annotations

from typing import Annotated, Literal

from gymnasium import spaces
from pydantic import BaseModel, ConfigDict, Field
from stable_baselines3.common.utils import FloatSchedule

from teachrl.errors import UsageError
from teachrl.students.base import StudentContext
from teachrl.students.sb3.base import schedule

Width = Annotated[int, Field(ge=1)]


class RecurrentPPOConfig(BaseModel):
    """Settings of `RecurrentPPOStudent`, named as in Stable-Baselines3 where it has them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_steps: int = Field(256, ge=1, description="vector steps of a fragment; gradients reach back over all of them")
    n_epochs: int = Field(5, ge=1, description="how often an update goes through its fragment")
    n_minibatches: int = Field(1, ge=1, description="minibatches an epoch, each some environments with all their steps")
    learning_rate: float | str = Field(3e-4, description="of Adam; a number, or lin_X for a schedule from X to 0")
    gamma: float = Field(0.995, ge=0, le=1, description="the discount")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="λ of generalised advantage estimation")
    clip_range: float = Field(0.2, gt=0, description="how far the ratio of probabilities may go from 1")
    clip_range_vf: float | None = Field(None, gt=0, description="how far a value may go in an update; null: no limit")
    normalize_advantage: bool = Field(True, description="scale a minibatch's advantages to mean 0, deviation 1")
    ent_coef: float = Field(0.0, ge=0, description="weight of the entropy bonus")
    vf_coef: float = Field(0.5, ge=0, description="weight of the mean squared error of values")
    max_grad_norm: float = Field(0.5, gt=0, description="gradients are scaled down to this norm")
    hidden_size: int = Field(256, ge=1, description="width of the LSTM")
    head_size: int = Field(32, ge=1, description="width of the layer between the LSTM and policy or value")
    encoder: tuple[Width, ...] | Literal["grid"] = Field(
        (64,), description="widths of layers before the LSTM, [] for none, or 'grid' for the views of mazes"
    )


def check_context(context: StudentContext, config: RecurrentPPOConfig) -> None:
    """Raise `UsageError` for spaces and numbers of environments that do not fit."""
    if not isinstance(context.observation_space, spaces.Box):
        raise UsageError(f"ppo-lstm needs observations in a Box; this environment has {context.observation_space}")
    if not isinstance(context.action_space, (spaces.Discrete, spaces.Box)):
        raise UsageError(f"ppo-lstm needs actions in Discrete or Box; this environment has {context.action_space}")
    if config.n_minibatches > context.n_envs:
        raise UsageError(
            f"student option n_minibatches: {config.n_minibatches} are more than the {context.n_envs} environments, "
            "and each needs a whole one; lower it or raise env.n_envs"
        )
    if config.n_steps * (context.n_envs // config.n_minibatches) < 2:
        raise UsageError("ppo-lstm needs two steps a minibatch or more: raise n_steps or env.n_envs")


def learning_rate(config: RecurrentPPOConfig) -> FloatSchedule:
    """The rate by the share of the run that is left."""
    given = schedule("learning_rate", config.learning_rate)
    assert given is not None
    rate = FloatSchedule(given)
    if not 0 < rate(1.0) < float("inf"):
        raise UsageError(f"student option 'learning_rate' must be above 0; got {config.learning_rate!r}")
    return rate
