"""Actor-critic on a linear policy, in numpy alone: ``--student docs.examples.own_student:LinearStudent``."""

from typing import Any

import numpy as np
from gymnasium import spaces

from teachrl import Array, Decision, Fragment, Student, StudentContext, UsageError


class LinearStudent(Student):
    def __init__(self, context: StudentContext, learning_rate: float = 1.0, discount: float = 0.98) -> None:
        if not isinstance(context.action_space, spaces.Discrete):
            raise UsageError(f"LinearStudent needs discrete actions; this environment has {context.action_space}")
        self.fragment_steps, self.discount, self._rate = 128, discount, learning_rate
        size, actions = 2 * int(np.prod(context.observation_space.shape)) + 1, int(context.action_space.n)
        self._policy, self._critic = np.zeros((size, actions)), np.zeros(size)
        self._rng = np.random.default_rng(context.seed)
        self.acting_generators = (self._rng,)

    def _features(self, observations: Array) -> Array:
        return np.concatenate([observations, observations**2, np.ones((*observations.shape[:-1], 1))], axis=-1)

    def _probabilities(self, features: Array) -> Array:
        odds = np.exp(np.clip(features @ self._policy, -30, 30))
        return odds / odds.sum(axis=-1, keepdims=True)

    def act(self, observations: Array, memory: Array, deterministic: bool = False) -> Decision:
        chances = self._probabilities(self._features(observations))
        if not deterministic:
            chances = chances.cumsum(axis=-1) > self._rng.random((len(chances), 1))
        return Decision(chances.argmax(axis=-1))

    def learn(self, fragment: Fragment) -> dict[str, float]:
        features, following = self._features(fragment.observations), self._features(fragment.next_observations())
        values, ended = features @ self._critic, fragment.terminated | fragment.truncated
        errors = fragment.rewards + self.discount * (following @ self._critic) * ~fragment.terminated - values
        for t in range(fragment.n_steps - 2, -1, -1):
            errors[t] += 0.95 * self.discount * errors[t + 1] * ~ended[t]
        design = features.reshape(-1, features.shape[-1])
        self._critic += 0.5 * np.linalg.lstsq(design, errors.ravel(), rcond=1e-6)[0]
        advantages = ((errors - errors.mean()) / (errors.std() + 1e-8)).reshape(-1, 1)
        direction = np.eye(self._policy.shape[1])[fragment.actions.ravel()] - self._probabilities(design)
        self._policy += self._rate * design.T @ (advantages * direction) / len(design)
        return {"train/critic_error": float(np.abs(errors).mean())}

    def weights(self) -> dict[str, Any]:
        return {"policy": self._policy.copy()}

    def load_weights(self, weights: dict[str, Any]) -> None:
        self._policy = np.array(weights["policy"])

    def state(self) -> dict[str, Any]:
        return {"weights": self.weights(), "critic": self._critic.copy(), "rng": self._rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        self.load_weights(state["weights"])
        self._critic, self._rng.bit_generator.state = np.array(state["critic"]), state["rng"]
