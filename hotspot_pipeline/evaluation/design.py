"""Normal equations of a model made of factors: sums by pairs of levels instead of a matrix of dummies.

Here: weighted least squares on factors and a few columns, scores by cluster net of nuisance effects. Not here: the Poisson
fit (`ppml`), separation (`separation`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from hotspot_pipeline.evaluation.estimate import FloatArray, IntArray

_SINGULAR = 1e-9


class NotIdentified(ValueError):
    """The data cannot tell what was asked for."""


@dataclass(frozen=True, eq=False)
class _Factor:
    codes: IntArray  # level + 1; 0 is the reference
    n: int


class Design:
    """`nuisance`: codes (n_rows,) from 0, all levels present; `effects`: codes with -1 as the reference, or columns of
    real numbers. Of every nuisance factor but the first, level 0 is the reference.
    """

    def __init__(
        self, nuisance: Mapping[str, IntArray], effects: Mapping[str, IntArray | FloatArray]
    ) -> None:
        self._factors: list[_Factor] = []
        for k, codes in enumerate(nuisance.values()):
            shift = 1 if k == 0 else 0
            self._factors.append(_Factor(codes + shift, int(codes.max()) + shift))
        self.n_nuisance = sum(f.n for f in self._factors)
        self._columns: list[FloatArray] = []
        self.effect_names: list[str] = []
        for name, values in effects.items():
            if values.dtype.kind == "f":
                continue
            n = int(values.max(initial=-1)) + 1
            self._factors.append(_Factor(np.asarray(values + 1), n))
            self.effect_names += [f"{name}:{level}" for level in range(n)]
        for name, values in effects.items():
            if values.dtype.kind == "f":
                self._columns.append(np.asarray(values, dtype=np.float64))
                self.effect_names.append(name)
        self.n_parameters = self.n_nuisance + len(self.effect_names)
        self._pairs = {
            (a, b): fa.codes * (fb.n + 1) + fb.codes
            for a, fa in enumerate(self._factors)
            for b, fb in enumerate(self._factors)
            if a < b
        }

    def cross(self, v: FloatArray) -> FloatArray:
        """X'v (n_parameters,) for v (n_rows,)."""
        parts = [np.bincount(f.codes, v, minlength=f.n + 1)[1:] for f in self._factors]
        parts += [np.array([c @ v]) for c in self._columns]
        return np.concatenate(parts)

    def normal(self, w: FloatArray) -> FloatArray:
        """X' diag(w) X (n_parameters, n_parameters)."""
        at = np.cumsum([0, *(f.n for f in self._factors)])
        found = np.zeros((self.n_parameters, self.n_parameters))
        for a, f in enumerate(self._factors):
            mine = slice(at[a], at[a + 1])
            found[mine, mine][np.diag_indices(f.n)] = np.bincount(f.codes, w, minlength=f.n + 1)[1:]
            for b in range(a + 1, len(self._factors)):
                g = self._factors[b]
                size = (f.n + 1) * (g.n + 1)
                table = np.bincount(self._pairs[a, b], w, minlength=size)
                found[mine, at[b] : at[b + 1]] = table.reshape(f.n + 1, g.n + 1)[1:, 1:]
        for k, column in enumerate(self._columns):
            found[: at[-1] + k + 1, at[-1] + k] = self.cross(w * column)[: at[-1] + k + 1]
        upper = np.triu(found, 1)
        return upper + upper.T + np.diag(np.diag(found))

    def predict(self, parameters: FloatArray) -> FloatArray:
        """X · parameters (n_rows,)."""
        found, at = np.zeros(self._n_rows), 0
        for f in self._factors:
            found += np.concatenate([[0.0], parameters[at : at + f.n]])[f.codes]
            at += f.n
        for k, column in enumerate(self._columns):
            found += parameters[at + k] * column
        return found

    def solve(self, w: FloatArray, z: FloatArray) -> FloatArray:
        """Parameters of the least squares fit of z with weights w, effects last.

        Nuisance effects need not be identified one by one. Raises NotIdentified where an effect is a sum of others.
        """
        n = self.n_nuisance
        normal, right = self.normal(w), self.cross(w * z)
        inverse_on, schur = self._net_of_nuisance(normal)
        if len(schur) == 0:
            return inverse_on(right[:n])
        effects = np.linalg.solve(schur, right[n:] - normal[n:, :n] @ inverse_on(right[:n]))
        return np.concatenate([inverse_on(right[:n] - normal[:n, n:] @ effects), effects])

    def project(self, w: FloatArray, z: FloatArray) -> FloatArray:
        """Fitted values (n_rows,) of `solve`."""
        return self.predict(self.solve(w, z))

    def effects_of(self, w: FloatArray, z: FloatArray) -> FloatArray:
        """Only the effects of `solve`."""
        return self.solve(w, z)[self.n_nuisance :]

    def effect_scores(
        self, residual: FloatArray, w: FloatArray, cluster: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """(scores (n_clusters, n_effects) net of nuisance effects, their information (n_effects, n_effects))."""
        number = np.unique(cluster, return_inverse=True)[1]
        n_clusters = int(number.max()) + 1
        parts = []
        for f in self._factors:
            size = n_clusters * (f.n + 1)
            table = np.bincount(number * (f.n + 1) + f.codes, residual, minlength=size)
            parts.append(table.reshape(n_clusters, f.n + 1)[:, 1:])
        parts += [np.bincount(number, residual * c, n_clusters)[:, None] for c in self._columns]
        scores = np.concatenate(parts, axis=1)
        n = self.n_nuisance
        normal = self.normal(w)
        inverse_on, schur = self._net_of_nuisance(normal)
        net = scores[:, n:] - scores[:, :n] @ inverse_on(normal[:n, n:])
        return net, schur

    def nuisance_scores(
        self, residual: FloatArray, w: FloatArray, number: IntArray
    ) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
        """(scores (n_clusters, n_nuisance) by cluster `number` from 0, what applies the inverse of their information)."""
        n = self.n_nuisance
        rows = np.arange(len(number))
        by_cluster = sparse.csr_array((residual, (number, rows)))
        return (by_cluster @ self.sparse_nuisance()).toarray(), _Inverse(self.normal(w)[:n, :n])

    def sparse_nuisance(self) -> sparse.csr_array:
        """The dummies of the nuisance factors (n_rows, n_nuisance)."""
        parts, at = [], 0
        for f in self._factors:
            if at >= self.n_nuisance:
                break
            ones = sparse.csr_array(
                (np.ones(len(f.codes)), (np.arange(len(f.codes)), f.codes)),
                shape=(len(f.codes), f.n + 1),
            )
            parts.append(ones[:, 1:])
            at += f.n
        return sparse.hstack(parts).tocsr()

    @property
    def _n_rows(self) -> int:
        return len(self._factors[0].codes)

    def _net_of_nuisance(self, normal: FloatArray) -> tuple[_Inverse, FloatArray]:
        n = self.n_nuisance
        inverse_on = _Inverse(normal[:n, :n])
        schur = normal[n:, n:] - normal[n:, :n] @ inverse_on(normal[:n, n:])
        if len(schur):
            scale = 1 / np.sqrt(np.maximum(np.diag(normal)[n:], 1e-300))
            values, vectors = np.linalg.eigh(schur * np.outer(scale, scale))
            if values[0] < _SINGULAR:
                name = self.effect_names[int(np.abs(vectors[:, 0]).argmax())]
                raise NotIdentified(
                    f"{name} is a sum of other effects (collinear): take it out, or a period or place effect that holds it"
                )
        return inverse_on, schur


class _Inverse:
    """Applies the (generalised) inverse of a symmetric matrix."""

    def __init__(self, matrix: FloatArray) -> None:
        self._pseudo: FloatArray | None = None
        scale = 1 / np.sqrt(np.diag(matrix))
        scaled = matrix * np.outer(scale, scale)
        try:
            self._factor = linalg.cho_factor(scaled)
            if np.diag(self._factor[0]).min() ** 2 < _SINGULAR:
                raise linalg.LinAlgError
        except linalg.LinAlgError:
            # levels that follow from others, as weeks from months: their sum is identified, and that is all we need
            self._pseudo = linalg.pinvh(scaled)
        self._scale = scale

    def __call__(self, right: FloatArray) -> FloatArray:
        scale = self._scale if right.ndim == 1 else self._scale[:, None]
        if self._pseudo is not None:
            return np.asarray(scale * (self._pseudo @ (scale * right)))
        return np.asarray(scale * linalg.cho_solve(self._factor, scale * right))
