"""A Gaussian over tasks with full covariance, its Kullback-Leibler divergences and their gradients.

Its parameters are one vector: the mean ``(d,)``, the logarithms of the diagonal of the lower Cholesky factor ``(d,)``,
and the entries below that diagonal row by row ``(d (d - 1) / 2,)``. Every vector of that length is a valid Gaussian.
Source of the parameters: the authors' code for Klink et al. 2020, "Self-Paced Deep Reinforcement Learning"
(arXiv 2004.11812). The gradients are derived by hand, so that no automatic differentiation is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from teachrl.tasks.spaces import Vector

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class GaussianContext:
    """``mean (d,)`` and ``cholesky (d, d)``, the lower factor of the covariance, with a positive diagonal."""

    mean: Vector
    cholesky: Matrix

    @classmethod
    def diagonal(cls, mean: Vector, std: Vector) -> GaussianContext:
        """Independent dimensions: ``mean`` and ``std`` of shape ``(d,)``."""
        return cls(np.array(mean), np.diag(std))

    @classmethod
    def from_parameters(cls, parameters: Vector, size: int) -> GaussianContext:
        """The Gaussian over ``size`` dimensions that these `parameters` describe."""
        cholesky = np.diag(np.exp(parameters[size : 2 * size]))
        cholesky[np.tril_indices(size, -1)] = parameters[2 * size :]
        return cls(parameters[:size].copy(), cholesky)

    @property
    def size(self) -> int:
        """Number of dimensions, d."""
        return len(self.mean)

    @property
    def covariance(self) -> Matrix:
        """Shape ``(d, d)``."""
        product: Matrix = self.cholesky @ self.cholesky.T
        return product

    @property
    def parameters(self) -> Vector:
        """See the module's text."""
        below = self.cholesky[np.tril_indices(self.size, -1)]
        return np.concatenate([self.mean, np.log(np.diag(self.cholesky)), below])

    def sample(self, rng: np.random.Generator, n: int) -> Matrix:
        """Draw ``n`` points, shape ``(n, d)``."""
        draws: Matrix = self.mean + rng.standard_normal((n, self.size)) @ self.cholesky.T
        return draws

    def standardize(self, points: Matrix) -> Matrix:
        """The coordinates, ``(n, d)``, in which this Gaussian has mean 0 and covariance 1."""
        return _solve(self.cholesky, (points - self.mean).T).T

    def log_density(self, points: Matrix) -> Vector:
        """Logarithm of the density at ``points (n, d)``, shape ``(n,)``."""
        standard = self.standardize(points)
        constant = 0.5 * self.size * np.log(2 * np.pi) + np.log(np.diag(self.cholesky)).sum()
        log_density: Vector = -0.5 * np.einsum("ij,ij->i", standard, standard) - constant
        return log_density

    def log_density_gradient(self, points: Matrix, weights: Vector) -> Vector:
        """Gradient of ``weights @ log_density(points)`` with respect to the parameters."""
        standard = self.standardize(points)
        by_point = _solve(self.cholesky, standard.T, transposed=True).T
        by_cholesky = (by_point * weights[:, None]).T @ standard
        return self._gradient(weights @ by_point, by_cholesky, -weights.sum())

    def seen_from(self, other: GaussianContext) -> GaussianContext:
        """This Gaussian in the coordinates in which ``other`` is standard; divergences are the same there."""
        return GaussianContext(
            other.standardize(self.mean[None])[0], np.asarray(np.tril(_solve(other.cholesky, self.cholesky)))
        )

    def seen_by_all(self, other: GaussianContext) -> GaussianContext:
        """The inverse of `seen_from`: back from the coordinates in which ``other`` is standard."""
        return GaussianContext(other.mean + other.cholesky @ self.mean, other.cholesky @ self.cholesky)

    def divergence_from(self, target: GaussianContext) -> float:
        """KL(self ‖ target), in nats."""
        relative = self.seen_from(target)
        logarithms = np.log(np.diag(relative.cholesky)).sum()
        return float(0.5 * ((relative.cholesky**2).sum() + (relative.mean**2).sum() - self.size) - logarithms)

    def gradient_of_first(self, target: GaussianContext) -> Vector:
        """Gradient of KL(self ‖ target) with respect to the parameters of self."""
        by_mean = _solve(target.cholesky, target.standardize(self.mean[None])[0], transposed=True)
        by_cholesky = _solve(target.cholesky, _solve(target.cholesky, self.cholesky), transposed=True)
        return self._gradient(by_mean, by_cholesky, -1.0)

    def gradient_of_second(self, source: GaussianContext) -> Vector:
        """Gradient of KL(source ‖ self) with respect to the parameters of self."""
        relative = source.seen_from(self)
        by_mean = -_solve(self.cholesky, relative.mean, transposed=True)
        second_moment = relative.cholesky @ relative.cholesky.T + np.outer(relative.mean, relative.mean)
        return self._gradient(by_mean, -_solve(self.cholesky, second_moment, transposed=True), 1.0)

    def _gradient(self, by_mean: Vector, by_cholesky: Matrix, by_each_logarithm: float) -> Vector:
        """Gradients by mean and factor as one by parameters; the last is what each log-diagonal entry adds itself."""
        by_logarithm = np.diag(self.cholesky) * np.diag(by_cholesky) + by_each_logarithm
        return np.concatenate([by_mean, by_logarithm, by_cholesky[np.tril_indices(self.size, -1)]])


def _solve(cholesky: Matrix, right: Matrix, transposed: bool = False) -> Matrix:
    solution: Matrix = solve_triangular(cholesky, right, lower=True, trans=int(transposed), check_finite=False)
    return solution
