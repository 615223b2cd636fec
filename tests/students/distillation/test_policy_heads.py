"""Divergences from a mentor, against torch's own distributions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch.distributions import Categorical, Independent, Normal, TransformedDistribution, kl_divergence
from torch.distributions.transforms import TanhTransform

from teachrl.students.distillation.policy_heads import LOG_STD_FLOOR, Head, divergence

CHOICES = spaces.Discrete(3, start=2)
BOX = spaces.Box(np.float32([-4.0, 0.0]), np.float32([4.0, 1.0]))


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_categorical_heads_differ_by_the_divergence_of_mentor_from_student() -> None:
    mentor, student = numbers(6, 3), numbers(6, 3, seed=1)
    expected = kl_divergence(Categorical(logits=mentor), Categorical(logits=student)).mean()
    there = kl_divergence(Categorical(logits=student), Categorical(logits=mentor)).mean()
    found = divergence(Head("categorical", student), Head("categorical", mentor).targets(), CHOICES)
    assert torch.allclose(found, expected)
    assert not torch.allclose(found, there)


def test_q_values_are_compared_as_probabilities_at_a_temperature() -> None:
    mentor, student = numbers(6, 3), numbers(6, 3, seed=1)
    expected = kl_divergence(Categorical(logits=mentor / 0.2), Categorical(logits=student / 0.2)).mean()
    found = divergence(Head("values", student), Head("values", mentor).targets(), CHOICES, temperature=0.2)
    assert torch.allclose(found, expected)


@pytest.mark.parametrize("kind", ["gaussian", "squashed"])
def test_gaussian_heads_differ_exactly(kind: str) -> None:
    means, log_stds = (numbers(6, 2), numbers(6, 2, seed=1)), (numbers(2, seed=2) / 2, numbers(2, seed=3) / 2)
    mentor, student = (Head(kind, mean, log_std) for mean, log_std in zip(means, log_stds, strict=True))  # type: ignore[arg-type]
    found = divergence(student, mentor.targets(), BOX)
    normals = [Independent(Normal(h.center, h.log_std.exp()), 1) for h in (mentor, student)]  # type: ignore[union-attr]
    assert torch.allclose(found, kl_divergence(*normals).mean())


def test_tanh_changes_no_divergence() -> None:
    one, two = Normal(torch.tensor(0.3), torch.tensor(0.5)), Normal(torch.tensor(-0.2), torch.tensor(0.8))
    torch.manual_seed(0)
    squashed = [TransformedDistribution(n, [TanhTransform(cache_size=1)]) for n in (one, two)]
    drawn = squashed[0].sample((200_000,))
    estimate = (squashed[0].log_prob(drawn) - squashed[1].log_prob(drawn)).mean()
    heads = [Head("squashed", n.loc.reshape(1, 1), n.scale.log().reshape(1, 1)) for n in (one, two)]
    assert divergence(heads[1], heads[0].targets(), BOX) == pytest.approx(float(estimate), abs=0.01)


def test_a_mentor_that_is_almost_deterministic_does_not_take_the_students_deviation_away() -> None:
    log_std = torch.full((1, 2), LOG_STD_FLOOR, requires_grad=True)
    mentor = Head("gaussian", torch.zeros(1, 2), torch.full((1, 2), -20.0))
    loss = divergence(Head("gaussian", torch.zeros(1, 2), log_std), mentor.targets(), BOX)
    assert float(loss.detach()) == pytest.approx(0.0)


def test_deterministic_heads_differ_by_their_squared_error() -> None:
    mentor, student = numbers(6, 2), numbers(6, 2, seed=1)
    found = divergence(Head("deterministic", student), Head("deterministic", mentor).targets(), BOX)
    assert torch.allclose(found, ((mentor - student) ** 2).sum(-1).mean())


@pytest.mark.parametrize("kind", ["categorical", "values"])
def test_actions_of_another_kind_of_mentor_are_made_likely(kind: str) -> None:
    logits, actions = numbers(5, 3), torch.tensor([2, 3, 4, 2, 4])
    found = divergence(Head(kind, logits), {"actions": actions}, CHOICES)  # type: ignore[arg-type]
    assert torch.allclose(found, -Categorical(logits=logits).log_prob(actions - 2).mean())


def test_continuous_actions_are_compared_in_the_units_of_the_box() -> None:
    actions = torch.tensor([[4.0, 0.5]])  # (1, 0) in [-1, 1]
    for head in (
        Head("gaussian", torch.tensor([[2.0, 0.5]]), torch.zeros(2)),
        Head("deterministic", torch.tensor([[0.5, 0.0]])),
        Head("squashed", torch.atanh(torch.tensor([[0.5, 0.0]])), torch.zeros(1, 2)),
    ):
        assert float(divergence(head, {"actions": actions}, BOX)) == pytest.approx(0.25)
