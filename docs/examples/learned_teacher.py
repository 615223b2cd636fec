"""A teacher that is learnt: the cross-entropy method finds the line along which tasks should get harder."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np


def make_teaching() -> gym.Env[Any, Any]:
    """Five cells in a row, of which each opens the next; fifty decisions, of two tasks each."""
    return gym.make(
        "teachrl.environments:teachrl/Teaching-v0",  # the module that registers it, and the id
        env={"id": "teachrl/Hypercubes-v0", "options": {"dimensions": 1, "cells": 5}, "mastery_return": 0.15},
        student={"name": "simulated", "options": {"unlock": 15}},
        batch=2,
        decisions=50,
        reward="final_mastery",
        evaluate_every=0,
    )


def play(env: gym.Env[Any, Any], line: np.ndarray | None, seed: int) -> float:
    """The share of the test set that a fresh student masters under a line (first task, last task), or at random."""
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    total, finished = 0.0, False
    while not finished:
        share = observation[0]  # of the decisions, made so far
        task = env.action_space.sample() if line is None else np.full(2, line[0] + (line[1] - line[0]) * share)
        observation, reward, finished, _, _ = env.step(np.clip(task, 0, 1, dtype=np.float32))
        total += float(reward)
    return total


def learn(env: gym.Env[Any, Any], rounds: int = 8, lines: int = 16, best: int = 3, seed: int = 0) -> np.ndarray:
    """Draw lines, keep those whose students mastered most, draw the next ones around them."""
    rng = np.random.default_rng(seed)
    mean, deviation = np.full(2, 0.5), np.full(2, 0.5)
    for _ in range(rounds):
        drawn = np.clip(rng.normal(mean, deviation, (lines, 2)), 0, 1)
        order = np.argsort([-play(env, line, seed) for line in drawn], kind="stable")
        mean, deviation = drawn[order[:best]].mean(axis=0), drawn[order[:best]].std(axis=0) + 0.1
    return mean


if __name__ == "__main__":
    teaching = make_teaching()
    print("random tasks", np.mean([play(teaching, None, seed) for seed in range(10)]))
    print("learnt", learnt := learn(teaching), play(teaching, learnt, 0))
