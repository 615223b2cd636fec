"""Stable-Baselines3 algorithms as students: building, settings, and state without pickle."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor

from teachrl.errors import UsageError, unknown_name
from teachrl.files import StateTree
from teachrl.nn.tensors import to_arrays, to_tensors
from teachrl.students.base import Student, StudentContext
from teachrl.students.sb3.grid_extractor import GridExtractor

# Given by the run itself; a YAML file that sets them would contradict it.
RESERVED = frozenset(
    {"env", "seed", "verbose", "tensorboard_log", "_init_setup_model", "stats_window_size", "monitor_wrapper"}
)
EXTRACTORS: Mapping[str, type[BaseFeaturesExtractor]] = {"grid": GridExtractor, "flatten": FlattenExtractor}
_SCHEDULE = re.compile(r"^lin_([0-9.eE+-]+)$")


class SB3Student(Student):
    """Holds an SB3 model that never sees an environment: the run's fragments fill its buffer, its own `train` learns.

    Any keyword of the algorithm's constructor can be set, as in RL Zoo's files: ``learning_rate: lin_3e-4`` is a linear
    schedule to 0, and ``policy_kwargs: {net_arch: [64, 64], activation_fn: tanh}`` names a class of ``torch.nn``, and
    ``features_extractor_class: grid`` `GridExtractor`, for grid worlds.
    """

    algorithm: ClassVar[type[BaseAlgorithm]]
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    # Keywords that need a Python object no file can hold, or that the run's own loop replaces.
    unsupported: ClassVar[frozenset[str]] = frozenset(
        {
            "rollout_buffer_class",
            "rollout_buffer_kwargs",
            "replay_buffer_class",
            "replay_buffer_kwargs",
            "action_noise",
            "use_sde",
            "sde_sample_freq",
            "use_sde_at_warmup",
            "optimize_memory_usage",
        }
    )

    def __init__(self, context: StudentContext, **options: Any) -> None:
        settings = self._settings(context, options)
        self.context = context
        self.model = self._build(context, settings)
        self.model.set_logger(Logger(folder=None, output_formats=[]))
        self.discount = float(self.model.gamma)
        self.acting_generators = (self.model.action_space.np_random,)

    def _settings(self, context: StudentContext, options: Mapping[str, Any]) -> dict[str, Any]:
        """Checked keyword arguments of the algorithm, schedules and classes resolved."""
        name = self.algorithm.__name__
        allowed = set(inspect.signature(self.algorithm.__init__).parameters) - {"self"} - RESERVED - self.unsupported
        for key in options:
            if key not in allowed:
                close = difflib.get_close_matches(key, allowed, n=1)
                reason = "is set by the run itself" if key in RESERVED else "is not a keyword that can be set"
                hint = f"; did you mean {close[0]!r}?" if close else f". Known: {', '.join(sorted(allowed))}"
                raise UsageError(f"student option {key!r} {reason} for {name}{hint}")
        settings: dict[str, Any] = {"policy": "MlpPolicy", "device": "cpu", **options}
        for key in ("learning_rate", "clip_range", "clip_range_vf"):
            if key in settings:
                settings[key] = schedule(key, settings[key])
        if "policy_kwargs" in settings:
            settings["policy_kwargs"] = _policy_kwargs(settings["policy_kwargs"])
        return settings

    def _build(self, context: StudentContext, settings: dict[str, Any]) -> Any:
        """The model, made as SB3 makes a loaded one: spaces and number of environments instead of an environment."""
        try:
            build: Callable[..., Any] = self.algorithm
            model = build(env=None, seed=context.seed, verbose=0, _init_setup_model=False, **settings)
            model.observation_space, model.action_space = context.observation_space, context.action_space
            model.n_envs = context.n_envs
            self._check_spaces(model)
            # SB3 seeds the action space of the environment that it was given; here it is given none.
            context.action_space.seed(context.seed)
            model._setup_model()
        except UsageError:
            raise
        except (AssertionError, TypeError, ValueError, KeyError, AttributeError) as error:
            text = str(error) or type(error).__name__
            raise UsageError(f"{self.algorithm.__name__} cannot be built with {settings}: {text}") from error
        model._total_timesteps = context.total_steps
        return model

    def _check_spaces(self, model: Any) -> None:
        supported = getattr(self, "action_spaces", ())
        if supported and not isinstance(model.action_space, supported):
            names = ", ".join(s.__name__ for s in supported)
            raise UsageError(
                f"{self.algorithm.__name__} needs actions in {names}; this environment has {model.action_space}"
            )

    def _count_steps(self, steps: int) -> None:
        """Tell SB3's schedules how far the run is."""
        self.model.num_timesteps += steps
        self.model._update_current_progress_remaining(self.model.num_timesteps, self.context.total_steps)

    def _metrics(self) -> dict[str, float]:
        """What SB3 logged in `train`."""
        logged = self.model.logger.name_to_value
        metrics = {tag: float(value) for tag, value in logged.items() if isinstance(value, (int, float, np.number))}
        self.model.logger.dump()
        return metrics

    def weights(self) -> StateTree:
        return {"policy": to_arrays(self.model.policy.state_dict())}

    def load_weights(self, weights: StateTree) -> None:
        self.model.policy.load_state_dict(to_tensors(weights["policy"], self.model.device))

    def state(self) -> StateTree:
        _, variables = self.model._get_torch_save_params()
        return {
            "weights": self.weights(),
            "modules": {k: to_arrays(v) for k, v in self.model.get_parameters().items() if k != "policy"},
            "variables": {name: to_arrays(getattr(self.model, name).data) for name in variables},
            "counters": {
                "num_timesteps": self.model.num_timesteps,
                "n_updates": self.model._n_updates,
                "progress_remaining": self.model._current_progress_remaining,
            },
            "generators": _generators(self.model.action_space),
        }

    def restore(self, state: StateTree) -> None:
        modules = {k: to_tensors(v, self.model.device) for k, v in state["modules"].items()}
        policy = to_tensors(state["weights"]["policy"], self.model.device)
        self.model.set_parameters({**modules, "policy": policy}, exact_match=True, device=self.model.device)
        self.load_weights(state["weights"])
        for name, value in state["variables"].items():
            getattr(self.model, name).data = to_tensors(value, self.model.device)
        counters = state["counters"]
        self.model.num_timesteps, self.model._n_updates = counters["num_timesteps"], counters["n_updates"]
        self.model._current_progress_remaining = counters["progress_remaining"]
        _restore_generators(self.model.action_space, state["generators"])


def _generators(action_space: Any) -> StateTree:
    """The global generators that SB3 and torch draw from, and the action space's."""
    numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002  (SB3 draws from the global generator)
    state: StateTree = {
        "numpy": numpy_state,
        "torch": torch.get_rng_state().numpy().copy(),
        "action_space": action_space.np_random.bit_generator.state,
    }
    if torch.cuda.is_available():
        state["cuda"] = {str(i): s.numpy().copy() for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return state


def _restore_generators(action_space: Any, state: StateTree) -> None:
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(torch.from_numpy(np.array(state["torch"])))
    action_space.np_random.bit_generator.state = state["action_space"]
    if torch.cuda.is_available() and "cuda" in state:
        torch.cuda.set_rng_state_all([torch.from_numpy(np.array(s)) for s in state["cuda"].values()])


def schedule(key: str, value: Any) -> float | Callable[[float], float] | None:
    """A number, or RL Zoo's ``lin_X``: X at the start, 0 at the end."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    match = _SCHEDULE.match(value) if isinstance(value, str) else None
    try:
        start = float(match.group(1) if match else value)
    except (TypeError, ValueError):
        raise UsageError(
            f"student option {key!r} is a number, or 'lin_X' for a schedule from X to 0; got {value!r}"
        ) from None
    return (lambda remaining: remaining * start) if match else start


def _policy_kwargs(value: Any) -> dict[str, Any]:
    """Policy keywords with ``activation_fn``, ``optimizer_class`` and ``features_extractor_class`` given by name."""
    if not isinstance(value, dict):
        raise UsageError(f"student option 'policy_kwargs' is a mapping; got {value!r}")
    kwargs = dict(value)
    for key, module in (("activation_fn", torch.nn), ("optimizer_class", torch.optim)):
        name = kwargs.get(key)
        if isinstance(name, str):
            by_lower_case = {n.lower(): n for n in dir(module) if n[0].isupper()}
            if name.lower() not in by_lower_case:
                raise UsageError(
                    f"policy_kwargs.{key}: {name!r} is not a class of {module.__name__}, such as 'tanh' or 'relu'"
                )
            kwargs[key] = getattr(module, by_lower_case[name.lower()])
    if isinstance(name := kwargs.get("features_extractor_class"), str):
        if name not in EXTRACTORS:
            raise unknown_name("policy_kwargs.features_extractor_class", name, EXTRACTORS)
        kwargs["features_extractor_class"] = EXTRACTORS[name]
    return kwargs
