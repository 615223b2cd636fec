"""Fitting of Gaussian mixtures."""

from __future__ import annotations

import numpy as np
import pytest

from teachrl.teachers.learning_progress.gaussian_mixture import fit_best_mixture


def test_best_mixture_finds_two_clouds() -> None:
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(0, 0.05, (100, 2)), rng.normal(5, 0.05, (100, 2))])
    found = fit_best_mixture(points, range(1, 4), "bic", seed=0)
    assert found is not None
    assert len(found[0]) == 2


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_mixture_that_cannot_be_fitted_is_none() -> None:
    assert fit_best_mixture(np.full((20, 2), 1e300), range(2, 4), "aic", seed=0) is None
