"""A suite that takes seconds."""

from __future__ import annotations

from typing import Any

from teachrl.bench.suite import Suite

TINY: dict[str, Any] = {
    "title": "two teachers on the toy",
    "experiment": {
        "env": {"id": "teachrl/Hypercubes-v0", "n_envs": 1},
        "student": "simulated",
        "evaluate_every": 100,
        "checkpoint_every": 100,
    },
    "teachers": {"random": {"teacher": "random"}, "oracle": {"teacher": {"name": "oracle", "preset": "corl2019"}}},
    "budgets": {"smoke": {"seeds": 2, "settings": {"steps": 300}}, "laptop": {"seeds": 3}},
    "threshold": 1,
    "published": [{"teacher": "random", "value": 4, "source": "somebody 2019"}],
}


def tiny(**changes: Any) -> Suite:
    return Suite.model_validate({**TINY, **changes})
