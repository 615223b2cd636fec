"""The settings of a student that also learns from a mentor: a policy that is frozen and imitated. Light to import."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from teachrl.config.settings import Name, Number, Settings, Whole

STEPS = 10**12
Share = Annotated[Number, Field(ge=0, le=1)]


class DistillConfig(Settings):
    """What a student takes from a mentor, or from an earlier run (docs/methods/distillation.md).

    Sources: DAgger (Ross et al. 2011, arXiv 1011.0686), kickstarting (Schmitt et al. 2018, arXiv 1803.03835), residual
    policies (Silver et al. 2018, arXiv 1812.06298), replay across experiments (Tirumala et al. 2023, arXiv 2311.15951).
    """

    mentor: Name | None = Field(
        default=None,
        description="who is imitated: the folder of a finished run, or 'module:function' of your own that maps "
        "observations (N, ...) to actions (N, ...)",
    )
    privileged: bool = Field(
        default=False,
        description="the mentor sees what the environment tells in info['privileged'], in place of the observation",
    )
    cloning_steps: Whole = Field(
        default=0, ge=0, le=STEPS, description="environment steps at the run's beginning that the mentor plays"
    )
    cloning_epochs: Whole = Field(
        default=10, ge=1, le=10_000, description="passes over the steps that the mentor played, once they are there"
    )
    weight: Number = Field(
        default=0.0, ge=0, description="weight of the imitation after each fragment, when it begins; 0: none"
    )
    weight_end: Number = Field(default=0.0, ge=0, description="the weight after decay_steps")
    decay_steps: Whole = Field(
        default=0, ge=0, le=STEPS, description="environment steps over which weight falls to weight_end; 0: it stays"
    )
    beta: Share = Field(
        default=0.0, description="share of the environment steps at which the mentor acts in the student's place"
    )
    beta_steps: Whole = Field(
        default=0, ge=0, le=STEPS, description="environment steps over which beta falls to 0; 0: it stays"
    )
    capacity: Whole = Field(
        default=0,
        ge=0,
        le=10**8,
        description="steps that the data set of the mentor's labels keeps; 0: imitate on the present fragment alone",
    )
    rl: bool = Field(default=True, description="learn from rewards as well; false: by imitation alone, as in DAgger")
    epochs: Whole = Field(
        default=1, ge=1, le=10_000, description="passes after each fragment, of as many steps as the fragment has"
    )
    batch_size: Whole = Field(default=256, ge=1, le=10**7, description="steps of a minibatch of imitation")
    learning_rate: Number = Field(
        default=3e-4, gt=0, description="of imitation's own Adam, at a weight of 1 and while cloning"
    )
    temperature: Number = Field(
        default=1.0, gt=0, description="Q values are divided by it to be compared as probabilities (dqn)"
    )
    replay: Name | None = Field(
        default=None,
        description="folder of an earlier run with a replay buffer, from which a part of each batch is drawn",
    )
    replay_share: Annotated[Number, Field(gt=0, lt=1)] = Field(
        default=0.5, description="share of each batch that comes from the earlier run"
    )
    residual: bool = Field(
        default=False, description="the student's action is added to the mentor's, which it sees as well"
    )
    residual_scale: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=0.1, description="the most that a residual adds, as a share of half the range of actions"
    )

    @property
    def imitates(self) -> bool:
        """Whether the mentor acts or is imitated while the student learns."""
        return bool(self.cloning_steps or self.weight or (self.decay_steps and self.weight_end) or self.beta)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.imitates or self.residual) and self.mentor is None:
            raise ValueError("cloning_steps, weight, beta and residual need a mentor: name a run or a function")
        if self.residual and (self.imitates or self.replay or self.privileged or not self.rl):
            raise ValueError(
                "residual begins as its mentor and sees more than others do: it goes with no cloning_steps, weight, "
                "beta, replay, privileged or rl: false"
            )
        if not self.rl and not self.weight:
            raise ValueError("with rl: false there is nothing to learn from unless weight is above 0")
        if 0 < self.capacity < self.cloning_steps:
            raise ValueError(
                f"capacity must hold the {self.cloning_steps} steps that are cloned; raise it, or set it to 0"
            )
        return self

    def weight_at(self, steps: int) -> float:
        """The weight of the imitation ``steps`` after the cloning."""
        return self.weight + (self.weight_end - self.weight) * _share(steps, self.decay_steps)

    def beta_at(self, steps: int) -> float:
        """The mentor's share ``steps`` after the cloning."""
        return self.beta * (1 - _share(steps, self.beta_steps))


def _share(steps: int, of: int) -> float:
    return min(steps / of, 1.0) if of else 0.0
