"""Norms and class means of rows."""

import numpy as np
import oracle
import torch
from agop_collapse.common.classes import class_deviations, class_means, unit_rows
from clouds import clouds
from hypothesis import given


@given(clouds())
def test_rows_get_unit_norm(points):
    torch.testing.assert_close(
        unit_rows(points.x), torch.tensor(oracle.unit(points.x.numpy())), rtol=1e-14, atol=1e-15
    )


def test_rows_of_zeros_stay_zero():
    x = torch.tensor([[3.0, -4.0], [0.0, 0.0], [0.0, 1e-10]])
    expected = torch.tensor([[0.6, -0.8], [0.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(unit_rows(x), expected)


@given(clouds())
def test_means_and_deviations_of_classes(points):
    x, counts = points.x.numpy(), points.counts
    means = np.array([oracle.class_mean(x, counts, k) for k in range(len(counts))])
    np.testing.assert_allclose(class_means(points.x, counts), means, rtol=1e-13, atol=1e-15)
    deviations = x - means[oracle.classes_of(counts)]
    np.testing.assert_allclose(class_deviations(points.x, counts), deviations, atol=1e-15)
