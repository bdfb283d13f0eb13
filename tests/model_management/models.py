"""Estimators that the tests save."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression


class Shift(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """An estimator of our own, which skops does not know to be safe."""

    def __init__(self, by: float = 1.0) -> None:
        self.by = by

    def transform(self, rows: np.ndarray) -> np.ndarray:
        return rows + self.by


def classifier() -> LogisticRegression:
    rows = np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.5]])
    return LogisticRegression().fit(rows, [0, 0, 1, 1])
