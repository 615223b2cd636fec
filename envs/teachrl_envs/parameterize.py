"""Turn any gymnasium environment into a parameterised one, whose tasks a teacher can choose.

`ParameterizedEnv` is for parameters that can be set on an environment that exists; `ConstructedEnv` for parameters that
only its constructor takes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from teachrl_envs.tasks import Task, TaskError, TaskSpace, task_from_options

AnyEnv = gymnasium.Env[Any, Any]


class TaskWrapper(gymnasium.Wrapper[Any, Any, Any, Any], ABC):
    """What both ways of setting a task share: the attributes of a parameterised environment, and `reset`.

    * ``env``: the environment underneath.
    * ``task_space``: the tasks it offers.
    * ``default_task``: played when `reset` gets no task; the middle of the space unless given.
    * ``return_range``: the lowest and highest undiscounted return, where known.
    * ``mastery_return``: the return above which a task counts as mastered; ``None`` for an environment that reports
      ``info["success"]``, or that has no such threshold.

    Raises `TaskError` for a default task outside the space.
    """

    def __init__(
        self,
        env: AnyEnv,
        task_space: TaskSpace,
        default_task: Task | None,
        return_range: tuple[float, float] | None,
        mastery_return: float | None,
    ) -> None:
        super().__init__(env)
        self.task_space = task_space
        self.default_task: Task = _default_task(task_space, default_task)
        self.return_range = return_range
        self.mastery_return = mastery_return

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Set the task ``options["task"]``, or ``default_task``, and start an episode on it.

        Other options go to the environment underneath. ``info["task"]`` is the task in use. Raises `TaskError` for a
        task outside the space; the environment underneath is then left alone.
        """
        vector = task_from_options(self.task_space, options)
        if vector is None:
            vector = self.task_space.vector(self.default_task)
        self._set_task(self.task_space.task(vector))
        others = {name: value for name, value in (options or {}).items() if name != "task"}
        observation, info = self.env.reset(seed=seed, options=others or None)
        return observation, {**info, "task": self.task_space.task(vector)}

    @abstractmethod
    def _set_task(self, task: Task) -> None:
        """Make ``task`` the one that the next ``self.env.reset`` starts."""


class ParameterizedEnv(TaskWrapper, RecordConstructorArgs):
    """An environment whose tasks are set by a function: ``apply(env.unwrapped, task)``, called *before* each reset.

    So ``reset`` of the environment underneath sees the parameters already. CartPole with another gravity and pole::

        def apply(env, task):
            env.gravity, env.length = task["gravity"], task["length"]
            env.polemass_length = env.masspole * env.length  # CartPole derives it once, in its constructor

        space = BoxTaskSpace({"gravity": (5.0, 15.0), "length": (0.25, 2.0)})
        env = ParameterizedEnv(gymnasium.make("CartPole-v1"), space, apply, return_range=(0, 500), mastery_return=475)
        observation, info = env.reset(seed=0, options={"task": {"gravity": 9.8, "length": 0.5}})

    ``apply`` must set every parameter, to a value that depends on nothing but ``task``: an episode then depends only on
    seed, task and actions, whatever was played before. Values derived from a parameter have to be set too, as above. A
    parameter that changes the observation or action space does not fit; neither does one that only the constructor
    takes: see `ConstructedEnv`. For the other arguments see `TaskWrapper`.
    """

    def __init__(
        self,
        env: AnyEnv,
        task_space: TaskSpace,
        apply: Callable[[Any, Task], None],
        *,
        default_task: Task | None = None,
        return_range: tuple[float, float] | None = None,
        mastery_return: float | None = None,
    ) -> None:
        RecordConstructorArgs.__init__(
            self,
            _disable_deepcopy=True,  # `apply` may hold on to things that cannot be copied
            task_space=task_space,
            apply=apply,
            default_task=default_task,
            return_range=return_range,
            mastery_return=mastery_return,
        )
        super().__init__(env, task_space, default_task, return_range, mastery_return)
        self._apply = apply

    def _set_task(self, task: Task) -> None:
        self._apply(self.env.unwrapped, task)


class ConstructedEnv(TaskWrapper):
    """An environment whose tasks are arguments of its constructor: ``make(**task)`` builds it anew for another task.

    LunarLander with another gravity and wind::

        def make(gravity, wind_power):
            return gymnasium.make("LunarLander-v3", gravity=gravity, wind_power=wind_power, enable_wind=True)

        space = BoxTaskSpace({"gravity": (-11.0, -2.0), "wind_power": (0.0, 20.0)})
        env = ConstructedEnv(make, space, mastery_return=200)

    The environment is kept while the task stays the same, and otherwise closed as soon as its successor stands. All
    have to have the same observation and action space. A reset without a seed goes on with the random numbers of
    the predecessor, so one seeded reset determines everything after it; the spaces of the first environment, with
    the seeds given to them, stay those of this one. For the other arguments see `TaskWrapper`.

    Building costs time at each change of task: where a parameter can be set on an existing environment, prefer
    `ParameterizedEnv`. Raises `TaskError` when another task leads to other spaces.
    """

    def __init__(
        self,
        make: Callable[..., AnyEnv],
        task_space: TaskSpace,
        *,
        default_task: Task | None = None,
        return_range: tuple[float, float] | None = None,
        mastery_return: float | None = None,
    ) -> None:
        self._make = make
        self._built_for = _default_task(task_space, default_task)
        super().__init__(make(**self._built_for), task_space, default_task, return_range, mastery_return)
        self.observation_space, self.action_space = self.env.observation_space, self.env.action_space

    def _set_task(self, task: Task) -> None:
        if task == self._built_for:
            return
        successor = self._make(**task)
        try:
            self._check_spaces(successor, task)
        except TaskError:
            successor.close()
            raise
        successor.unwrapped.np_random = self.env.unwrapped.np_random
        self.env.close()
        self.env = successor
        self._built_for = task
        self._cached_spec = None  # gymnasium's memory of the predecessor's spec

    def _check_spaces(self, successor: AnyEnv, task: Task) -> None:
        for name in ("observation_space", "action_space"):
            expected, came = getattr(self, name), getattr(successor, name)
            if expected != came:
                raise TaskError(
                    f"task {task} changes the {name}: expected {expected}, got {came}. A teacher's parameters must not "
                    "change what the student sees or does; pad the space, or fix the parameter"
                )


def _default_task(task_space: TaskSpace, task: Task | None) -> Task:
    """``task`` itself, validated, or the middle of the space."""
    vector = task_space.from_unit(np.full(task_space.size, 0.5)) if task is None else task_space.vector(task)
    return task_space.task(vector)
