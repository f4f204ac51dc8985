"""The AGOP of a kernel machine against autograd, its scales, and its square root."""

import numpy as np
import oracle
import pytest
import scipy.linalg
import torch
from agop_collapse import agop, collapse, kernels
from clouds import SEEDS, cloud, clouds, rotation, shuffle_within_classes
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

BANDWIDTH = 1.3
FORMS = {"direct": agop.direct_form, "hadamard": agop.hadamard_form}


def weights_of(kernel: str, points) -> Tensor:
    distance = kernels.distances(points.x, points.counts)
    values = kernels.kernel_matrix(kernel, distance, BANDWIDTH)
    return kernels.gradient_weights(kernel, values, distance, BANDWIDTH)


def outer_product(kernel: str, points) -> Tensor:
    weights = weights_of(kernel, points)
    return agop.gradient_outer_product(points.x, weights, points.coefficients, points.counts)


def by_form(form, kernel: str, points) -> Tensor:
    weights = weights_of(kernel, points)
    centred = agop._centre(points.x, weights, points.coefficients, points.counts)
    return form(centred, weights, points.coefficients)


def by_autograd(kernel: str, points) -> Tensor:
    x, a = points.x.numpy(), points.coefficients.numpy()
    return torch.tensor(oracle.agop(oracle.machine_gradients(kernel, x, a, BANDWIDTH)))


def error(found: Tensor, truth: Tensor) -> float:
    return float((found - truth).norm() / truth.norm())


@pytest.fixture(params=kernels.KERNELS)
def kernel(request) -> str:
    return request.param


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("kernel", kernels.KERNELS)
@settings(max_examples=200)
@given(points=clouds())
@example(points=cloud(0, [1, 6, 3], 5, 3, spread=1e-6, duplicate=True))
@example(points=cloud(1, [6, 2], 4, 2, spread=1.0, duplicate=True))
def test_either_form_is_autograds(form, kernel, points):
    assert error(by_form(form, kernel, points), by_autograd(kernel, points)) < 1e-9


@pytest.mark.parametrize(
    ("counts", "d", "outputs"),
    [([4, 2, 3], 40, 3), ([12, 5, 20], 3, 2), ([7, 1], 6, 1), ([3, 9, 4], 25, 6)],
)
@pytest.mark.parametrize("spread", [1.0, 1e-6])
def test_whatever_form_is_chosen_is_autograds(kernel, counts, d, outputs, spread):
    points = cloud(2, counts, d, outputs, spread)
    assert error(outer_product(kernel, points), by_autograd(kernel, points)) < 1e-10


def test_a_fitted_machine_in_collapse(kernel):
    """Coefficients that interpolate labels, classes collapsed: the case that matters."""
    points = cloud(3, [9, 6, 12], 10, spread=1e-6)
    targets = torch.tensor(oracle.plus_minus_one(oracle.classes_of(points.counts), 3))
    distance = kernels.distances(points.x, points.counts)
    ridge = 1e-3 * torch.eye(points.n, dtype=torch.float64)
    values = kernels.kernel_matrix(kernel, distance, BANDWIDTH)
    points.coefficients.resize_(points.n, 3).copy_(torch.linalg.solve(values + ridge, targets))
    truth = by_autograd(kernel, points)
    assert error(outer_product(kernel, points), truth) < 1e-10
    for form in FORMS.values():
        assert error(by_form(form, kernel, points), truth) < 1e-10


def test_near_duplicates_in_a_spread_class_cost_few_digits():
    points = cloud(4, [8, 6, 5], 6)
    points.x[1] = points.x[0] + 1e-4 * points.x[2]
    truth = by_autograd("laplace", points)
    for form in FORMS.values():
        assert error(by_form(form, "laplace", points), truth) < 1e-8


def test_float32_in_collapse(kernel):
    points = cloud(5, [20, 30, 10], 15, 3, spread=1e-3)
    single = type(points)(points.x.float(), points.counts, points.coefficients.float())
    exact = type(points)(single.x.double(), points.counts, single.coefficients.double())
    truth = by_autograd(kernel, exact)
    for form in FORMS.values():
        assert error(by_form(form, kernel, single).double(), truth) < 2e-5


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@given(points=clouds())
def test_it_is_symmetric_and_positive(kernel, points):
    found = outer_product(kernel, points)
    eigenvalues = torch.linalg.eigvalsh(found)
    assert torch.equal(found, found.T)
    assert eigenvalues.min() >= -1e-12 * eigenvalues.max()
    assert eigenvalues.max() > 0


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@given(points=clouds(spreads=(1.0, 1e-3)), seed=SEEDS)
def test_it_turns_and_moves_with_the_points(kernel, points, seed):
    found = outer_product(kernel, points)
    turn = rotation(seed, points.x.shape[1])
    moved = type(points)(points.x @ turn + turn[0], points.counts, points.coefficients)
    assert error(outer_product(kernel, moved), turn.T @ found @ turn) < 1e-8


@pytest.mark.parametrize("kernel", kernels.KERNELS)
@given(points=clouds(), seed=SEEDS)
def test_order_within_classes_does_not_matter(kernel, points, seed):
    order = shuffle_within_classes(seed, points.counts)
    other = type(points)(points.x[order], points.counts, points.coefficients[order])
    assert error(outer_product(kernel, other), outer_product(kernel, points)) < 1e-9


@pytest.mark.parametrize("n", range(1, 12))
def test_symmetric_square(n):
    matrix = cloud(n, [n], n).x
    matrix = matrix + matrix.T
    torch.testing.assert_close(agop.symmetric_square(matrix), matrix @ matrix)


# --- a linear kernel machine ------------------------------------------------------------------


def linear_machine(seed: int, counts: list[int], d: int) -> tuple[Tensor, Tensor]:
    """Points, and coefficients that sum to 0 with f(x) = sum_j a_j x_j.x + b fitting the labels.

    Weights of 1 for every pair then make sum_j W_ij a_j (x_j - x_i) the slope of f.
    """
    points = cloud(seed, counts, d)
    n = points.n
    targets = torch.tensor(oracle.plus_minus_one(oracle.classes_of(counts), len(counts)))
    system = torch.ones(n + 1, n + 1, dtype=torch.float64)
    system[:n, :n] = points.x @ points.x.T
    system[n, n] = 0
    right = torch.cat([targets, targets.new_zeros(1, len(counts))])
    return points.x, torch.linalg.solve(system, right)[:n]


@pytest.mark.parametrize("counts", [[5, 5, 5], [2, 9, 4, 5], [8, 1, 4, 2, 7]])
def test_linear_machine_collapses_in_one_step(counts):
    n, d = sum(counts), 30
    x, a = linear_machine(6, counts, d)
    slope = a.T @ x
    outer = agop.gradient_outer_product(x, torch.ones(n, n, dtype=x.dtype), a, counts)
    torch.testing.assert_close(outer, n * slope.T @ slope, rtol=1e-8, atol=1e-10)

    root, _ = agop.square_root(agop.normalise(outer, "max", n))
    before, after = collapse.measure(x, counts), collapse.measure(x @ root, counts)
    assert before.nc1 > 0.5
    # Directions that M does not have come out of a root in float64 as 1e-8.
    assert after.nc1 < 1e-14
    assert before.nc2 > 0.1
    assert after.nc2 < 1e-12


# --- normalise --------------------------------------------------------------------------------


def test_each_scale():
    points = cloud(7, [5, 6], 4)
    outer = outer_product("laplace", points)
    scaled = {how: agop.normalise(outer, how, 11) for how in agop.NORMALISATIONS}
    assert set(scaled) == {"max", "mean", "sum", "trace"}
    for how, found in scaled.items():
        np.testing.assert_allclose(found, oracle.normalised(outer.numpy(), how, 11), rtol=1e-14)
    assert float(scaled["max"].max()) == 1
    assert float(scaled["trace"].trace()) == pytest.approx(1, rel=1e-14)


def test_unknown_scale():
    with pytest.raises(ValueError, match="'median'.*max, mean, sum, trace"):
        agop.normalise(torch.eye(2), "median", 2)


# --- square_root ------------------------------------------------------------------------------


def positive_matrix(seed: int, d: int, rank: int) -> Tensor:
    factor = torch.tensor(np.random.default_rng(seed).normal(size=(d, rank)))
    return factor @ factor.T


@given(seed=SEEDS, d=st.integers(1, 12), data=st.data())
def test_root_of_any_rank(seed, d, data):
    matrix = positive_matrix(seed, d, data.draw(st.integers(1, d)))
    root, eigenvalues = agop.square_root(matrix)
    assert torch.equal(root, root.T)
    torch.testing.assert_close(root @ root, matrix, rtol=1e-12, atol=1e-12 * float(matrix.max()))
    assert torch.linalg.eigvalsh(root).min() >= -1e-14 * root.norm()
    expected = torch.linalg.eigvalsh(matrix).flip(0).clamp(min=0)
    torch.testing.assert_close(eigenvalues, expected, rtol=1e-10, atol=1e-13 * float(expected[0]))
    assert (eigenvalues >= 0).all()


@pytest.mark.parametrize("d", [1, 5, 40])
def test_root_is_scipys(d):
    matrix = positive_matrix(8, d, d) + 0.1 * torch.eye(d, dtype=torch.float64)
    root, _ = agop.square_root(matrix)
    np.testing.assert_allclose(root, scipy.linalg.sqrtm(matrix.numpy()), rtol=1e-10, atol=1e-12)


def test_root_of_rank_one_is_known():
    vector = torch.tensor([[3.0, 0.0, 4.0]], dtype=torch.float64)
    root, eigenvalues = agop.square_root(vector.T @ vector)
    torch.testing.assert_close(root, vector.T @ vector / 5, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(eigenvalues, torch.tensor([25.0, 0, 0], dtype=torch.float64))


def test_rounding_below_zero_is_clipped():
    matrix = torch.diag(torch.tensor([4.0, -1e-17, 1.0], dtype=torch.float64))
    root, eigenvalues = agop.square_root(matrix)
    assert torch.equal(root, torch.diag(torch.tensor([2.0, 0.0, 1.0], dtype=torch.float64)))
    assert eigenvalues.tolist() == [4, 1, 0]


def test_root_keeps_float32_and_computes_in_float64():
    matrix = positive_matrix(9, 8, 8).float()
    root, eigenvalues = agop.square_root(matrix)
    exact, _ = agop.square_root(matrix.double())
    assert root.dtype == torch.float32
    assert eigenvalues.dtype == torch.float64
    assert torch.equal(root, exact.float())
