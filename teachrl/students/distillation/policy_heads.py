"""What policies say of observations in a form that two of them can be compared by: heads, and their divergence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from gymnasium import spaces
from torch import Tensor
from torch.distributions import Categorical, Normal, kl_divergence
from torch.nn import functional

LOG_STD_FLOOR = -3.0
Kind = Literal["categorical", "values", "gaussian", "squashed", "deterministic"]
SCALED_BY_TANH = ("squashed", "deterministic")


@dataclass(frozen=True)
class Head:
    """What a policy says of some observations, differentiable; leading shape ``(...)`` as theirs.

    ``center (..., size)`` is, by ``kind``:

    * ``categorical``: the logits of discrete actions. ``values``: their Q values.
    * ``gaussian``: the mean of actions in the environment's units.
    * ``squashed``: the mean before tanh, for actions in [-1, 1]. ``deterministic``: the actions, in [-1, 1].

    ``log_std (..., size)``: of the two that have one, the logarithm of the standard deviation.
    """

    kind: Kind
    center: Tensor
    log_std: Tensor | None = None

    def targets(self) -> dict[str, Tensor]:
        """What to keep of a mentor's head for `divergence`, under the names ``center`` and ``log_std``."""
        center = self.center.detach()
        if self.log_std is None:
            return {"center": center}
        return {"center": center, "log_std": self.log_std.detach().expand_as(center)}


def divergence(
    head: Head, targets: Mapping[str, Tensor], action_space: spaces.Space[Any], temperature: float = 1.0
) -> Tensor:
    """How far the student's ``head`` is from a mentor, the mean over all observations.

    ``targets`` is what `Head.targets` kept of a mentor of the same kind, and then this is KL(mentor || student): exact
    for ``categorical``, ``gaussian`` and ``squashed`` (tanh is a bijection and changes no divergence), between
    softmax(Q / temperature) for ``values``, and the squared error for ``deterministic``. Standard deviations count as
    at least exp(-3). Or it is ``{"actions": (..., *action)}`` of any mentor: then it is the negative log-likelihood for
    discrete actions, and for continuous ones the squared error of the student's deterministic action, both scaled to
    [-1, 1] where the space is bounded. Sums over the numbers of an action.
    """
    if "actions" in targets:
        return _from_actions(head, targets["actions"], action_space, temperature)
    if head.kind == "deterministic":
        return (head.center - targets["center"]).square().sum(-1).mean()
    if head.kind in ("categorical", "values"):
        mentor, student = (Categorical(logits=_logits(head, c, temperature)) for c in (targets["center"], head.center))
        return kl_divergence(mentor, student).mean()
    assert head.log_std is not None
    mentor_normal, student_normal = (
        Normal(center, log_std.clamp(min=LOG_STD_FLOOR).exp())
        for center, log_std in ((targets["center"], targets["log_std"]), (head.center, head.log_std))
    )
    return kl_divergence(mentor_normal, student_normal).sum(-1).mean()


def _logits(head: Head, center: Tensor, temperature: float) -> Tensor:
    return center / temperature if head.kind == "values" else center


def _from_actions(head: Head, actions: Tensor, space: spaces.Space[Any], temperature: float) -> Tensor:
    if isinstance(space, spaces.Discrete):
        logits = _logits(head, head.center, temperature)
        return functional.cross_entropy(logits.flatten(0, -2), actions.flatten().long() - int(space.start))
    chosen = torch.tanh(head.center) if head.kind == "squashed" else head.center
    wanted = actions.reshape(head.center.shape).to(head.center.dtype)
    wanted = _scaled(wanted, space)
    if head.kind not in SCALED_BY_TANH:
        chosen = _scaled(chosen, space)
    return (chosen - wanted).square().sum(-1).mean()


def _scaled(actions: Tensor, space: spaces.Space[Any]) -> Tensor:
    """Actions of a bounded box as numbers in [-1, 1]."""
    assert isinstance(space, spaces.Box)
    if not space.is_bounded():
        return actions
    low, high = (torch.as_tensor(bound, dtype=actions.dtype).flatten() for bound in (space.low, space.high))
    return 2 * (actions - low) / (high - low) - 1
