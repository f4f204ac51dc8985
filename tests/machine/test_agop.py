"""The AGOP of a kernel machine against autograd, its scales, and its square root."""

import numpy as np
import oracle
import papers
import pytest
import scipy.linalg
import torch
from agop_collapse.machine import agop
from agop_collapse.machine.gram_system import Pairs
from agop_collapse.metrics import collapse
from clouds import SEEDS, cloud, clouds, rotation, shuffle_within_classes
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor

BANDWIDTH = 1.3
SUMS = {"direct": agop.direct_form, "hadamard": agop.hadamard_form}


def gradients_of(kernel: str, points, block_rows: int = 5) -> agop.Gradients:
    pairs = Pairs(points.x, points.counts, papers.KERNELS[kernel], BANDWIDTH, block_rows)
    weights = pairs.into_weights()
    return agop.Gradients.of(points.x, weights, points.coefficients, points.counts)


def gram_side(gradients: agop.Gradients, block_rows: int = 5) -> Tensor:
    """The sum from its root, where there are dimensions enough."""
    root, _ = agop.gram_side_root(gradients, block_rows)
    return root @ root


def with_more_dimensions(points):
    """The same points among more dimensions than there are points and classes."""
    turn = rotation(0, points.x.shape[1] + points.n + len(points.counts))
    turn = turn[: points.x.shape[1]].to(points.x.dtype)
    # Row by row: a product of matrices may round two equal rows differently.
    x = torch.stack([row @ turn for row in points.x])
    return type(points)(x, points.counts, points.coefficients)


def by_autograd(kernel: str, points) -> Tensor:
    x, a = points.x.numpy(), points.coefficients.numpy()
    return torch.tensor(oracle.agop(oracle.machine_gradients(kernel, x, a, BANDWIDTH)))


def error(found: Tensor, truth: Tensor) -> float:
    return float((found - truth).norm() / truth.norm())


@pytest.fixture(params=papers.KERNELS)
def kernel(request) -> str:
    return request.param


@pytest.mark.parametrize("block_rows", [4, 1000])
@pytest.mark.parametrize("form", SUMS.values(), ids=SUMS)
@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds())
@example(points=cloud(0, [1, 6, 3], 5, 3, spread=1e-6, duplicate=True))
@example(points=cloud(1, [6, 2], 4, 2, spread=1.0, duplicate=True))
def test_either_sum_is_autograds(form, kernel, block_rows, points):
    found = form(gradients_of(kernel, points, block_rows), block_rows)
    assert error(found, by_autograd(kernel, points)) < 1e-9
    assert torch.equal(found, found.T)


@pytest.mark.parametrize("block_rows", [4, 1000])
@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds())
@example(points=cloud(0, [1, 6, 3], 5, 3, spread=1e-6, duplicate=True))
def test_the_gram_sides_root_squares_to_autograds(kernel, block_rows, points):
    points = with_more_dimensions(points)
    gradients = gradients_of(kernel, points, block_rows)
    truth = by_autograd(kernel, points)
    assert error(gram_side(gradients, block_rows), truth) < 1e-9

    root, eigenvalues = agop.gram_side_root(gradients, block_rows)
    other, spectrum = agop.root_of(agop.direct_form(gradients, block_rows))
    # A root is certain to 1e-8 only: it has the rounding of M where M has nothing.
    assert error(root, other) < 1e-6
    assert torch.equal(root, root.T)
    assert float((eigenvalues - spectrum).abs().max()) < 1e-9 * float(spectrum[0])


@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds())
@example(points=cloud(0, [1, 6, 3], 5, 3, spread=1e-6, duplicate=True))
def test_of_some_points_the_sum_is_autograds_at_these(share, kernel, points):
    """Each stands for as many of its class as all of the class there are for each of them."""
    sample = agop.Sample.of_classes(points.counts, share)
    kept = sample.rows.tolist()
    sizes = [max(1, round(share * count)) for count in points.counts]
    ends = np.cumsum(points.counts)
    classes = np.searchsorted(ends, kept, side="right")
    assert np.bincount(classes, minlength=len(sizes)).tolist() == sizes
    assert kept == sorted(set(kept))
    assert float(sample.weights.sum()) == pytest.approx(points.n)

    found = agop.direct_form(gradients_of(kernel, points), 5, sample)
    x, a = points.x.numpy(), points.coefficients.numpy()
    gradients = oracle.machine_gradients(kernel, x, a, BANDWIDTH)[kept]
    each = [points.counts[k] / sizes[k] for k in classes]
    expected = oracle.agop(np.sqrt(each)[:, None, None] * gradients)
    assert error(found, torch.tensor(expected)) < 1e-9
    if share == 1:
        assert error(found, by_autograd(kernel, points)) < 1e-9


@pytest.mark.parametrize("norm", agop.NORMALISATIONS)
@pytest.mark.parametrize(
    ("counts", "d", "outputs", "form"),
    [
        ([4, 2, 3], 40, 3, agop.gram_side_root),
        ([12, 5, 20], 3, 2, agop.direct_form),
        ([7, 1], 6, 1, agop.direct_form),
        ([3, 9, 4], 12, 6, agop.hadamard_form),
    ],
)
@pytest.mark.parametrize("spread", [1.0, 1e-6])
def test_whatever_form_is_chosen_its_root_is_that_of_autograds(
    kernel, counts, d, outputs, form, spread, norm
):
    points = cloud(2, counts, d, outputs, spread)
    assert agop.cheapest_form(points.n, d, outputs, len(counts)) is form
    root, eigenvalues = agop.square_root(gradients_of(kernel, points), norm, 5)
    expected = oracle.normalised(by_autograd(kernel, points).numpy(), norm, points.n)
    assert error(root @ root, torch.tensor(expected)) < 1e-9
    spectrum = np.linalg.eigvalsh(expected)[::-1]
    np.testing.assert_allclose(eigenvalues, spectrum, atol=1e-10 * spectrum[0])
    if norm == "max":
        assert float((root @ root).max()) == pytest.approx(1, rel=1e-9)


def test_the_form_follows_the_sizes_of_the_paper():
    assert agop.cheapest_form(2000, 3072, 10, 10) is agop.gram_side_root
    assert agop.cheapest_form(2000, 1024, 10, 10) is agop.hadamard_form
    assert agop.cheapest_form(50_000, 3072, 10, 10) is agop.hadamard_form
    assert agop.cheapest_form(50_000, 784, 10, 10) is agop.direct_form


def test_a_fitted_machine_in_collapse(kernel):
    """Coefficients that interpolate labels, classes collapsed: the case that matters."""
    points = cloud(3, [9, 6, 12], 10, spread=1e-6)
    targets = torch.tensor(oracle.plus_minus_one(oracle.classes_of(points.counts), 3))
    pairs = Pairs(points.x, points.counts, papers.KERNELS[kernel], BANDWIDTH, 5)
    alpha = pairs.solve(targets, 1e-3)
    points.coefficients.resize_(points.n, 3).copy_(alpha)
    truth = by_autograd(kernel, points)
    gradients = gradients_of(kernel, points)
    for form in SUMS.values():
        assert error(form(gradients, 5), truth) < 1e-10
    wide = with_more_dimensions(points)
    assert error(gram_side(gradients_of(kernel, wide)), by_autograd(kernel, wide)) < 1e-10


def test_near_duplicates_in_a_spread_class_cost_few_digits():
    points = cloud(4, [8, 6, 5], 6)
    points.x[1] = points.x[0] + 1e-4 * points.x[2]
    truth = by_autograd("laplace", points)
    for form in SUMS.values():
        assert error(form(gradients_of("laplace", points), 5), truth) < 1e-8


def outer_product(kernel: str, points) -> Tensor:
    return agop.hadamard_form(gradients_of(kernel, points), 5)


@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds())
def test_it_is_positive(kernel, points):
    eigenvalues = torch.linalg.eigvalsh(outer_product(kernel, points))
    assert eigenvalues.min() >= -1e-12 * eigenvalues.max()
    assert eigenvalues.max() > 0


@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds(spreads=(1.0, 1e-3)), seed=SEEDS)
def test_it_turns_and_moves_with_the_points(kernel, points, seed):
    found = outer_product(kernel, points)
    turn = rotation(seed, points.x.shape[1])
    moved = type(points)(points.x @ turn + turn[0], points.counts, points.coefficients)
    assert error(outer_product(kernel, moved), turn.T @ found @ turn) < 1e-8


@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds(), seed=SEEDS)
def test_order_within_classes_does_not_matter(kernel, points, seed):
    order = shuffle_within_classes(seed, points.counts)
    other = type(points)(points.x[order], points.counts, points.coefficients[order])
    assert error(outer_product(kernel, other), outer_product(kernel, points)) < 1e-9


@pytest.mark.parametrize("kernel", papers.KERNELS)
@given(points=clouds(spreads=(1.0, 1e-3)), seed=SEEDS)
def test_of_a_kernel_on_mapped_points_it_is_by_the_points_themselves(kernel, points, seed):
    """f(x) = g(R x): its gradients are R times those of g, so R R x stands for the points."""
    square = torch.tensor(np.random.default_rng(seed).normal(size=(points.x.shape[1],) * 2))
    root = square + square.T
    mapped = type(points)(points.x @ root, points.counts, points.coefficients)
    pairs = Pairs(mapped.x, points.counts, papers.KERNELS[kernel], BANDWIDTH, 5)
    weights = pairs.into_weights()
    twice = mapped.x @ root
    gradients = agop.Gradients.of(twice, weights, points.coefficients, points.counts)
    machine = oracle.machine_gradients(
        kernel, points.x.numpy(), points.coefficients.numpy(), BANDWIDTH, root.numpy()
    )
    truth = torch.tensor(oracle.agop(machine))
    for form in SUMS.values():
        assert error(form(gradients, 5), truth) < 1e-8


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
    gradients = agop.Gradients.of(x, torch.ones(n, n, dtype=x.dtype), a, counts)
    for form in SUMS.values():
        outer = form(gradients, 7)
        torch.testing.assert_close(outer, n * slope.T @ slope, rtol=1e-8, atol=1e-10)

    root, _ = agop.square_root(gradients, "max", 7)
    before, after = collapse.measure(x, counts), collapse.measure(x @ root, counts)
    assert before.nc1 > 0.5
    # Directions that M does not have come out of a root in float64 as 1e-8.
    assert after.nc1 < 1e-14
    assert before.nc2 > 0.1
    assert after.nc2 < 1e-12


# --- scale ------------------------------------------------------------------------------------


def test_each_scale():
    outer = outer_product("laplace", cloud(7, [5, 6], 4))
    scaled = {how: outer / agop.scale(outer.diagonal(), how, 11) for how in agop.NORMALISATIONS}
    assert set(scaled) == {"max", "mean", "sum", "trace"}
    for how, found in scaled.items():
        np.testing.assert_allclose(found, oracle.normalised(outer.numpy(), how, 11), rtol=1e-14)
    assert float(scaled["max"].max()) == 1
    assert float(scaled["trace"].trace()) == pytest.approx(1, rel=1e-14)


def test_unknown_scale():
    with pytest.raises(ValueError, match="'median'.*max, mean, sum, trace"):
        agop.scale(torch.ones(2), "median", 2)


# --- root_of ----------------------------------------------------------------------------------


def positive_matrix(seed: int, d: int, rank: int) -> Tensor:
    factor = torch.tensor(np.random.default_rng(seed).normal(size=(d, rank)))
    return factor @ factor.T


@given(seed=SEEDS, d=st.integers(1, 12), data=st.data())
def test_root_of_any_rank(seed, d, data):
    matrix = positive_matrix(seed, d, data.draw(st.integers(1, d)))
    root, eigenvalues = agop.root_of(matrix)
    assert torch.equal(root, root.T)
    torch.testing.assert_close(root @ root, matrix, rtol=1e-12, atol=1e-12 * float(matrix.max()))
    assert torch.linalg.eigvalsh(root).min() >= -1e-14 * root.norm()
    expected = torch.linalg.eigvalsh(matrix).flip(0).clamp(min=0)
    torch.testing.assert_close(eigenvalues, expected, rtol=1e-10, atol=1e-13 * float(expected[0]))
    assert (eigenvalues >= 0).all()


@pytest.mark.parametrize("d", [1, 5, 40])
def test_root_is_scipys(d):
    matrix = positive_matrix(8, d, d) + 0.1 * torch.eye(d, dtype=torch.float64)
    root, _ = agop.root_of(matrix)
    np.testing.assert_allclose(root, scipy.linalg.sqrtm(matrix.numpy()), rtol=1e-10, atol=1e-12)


def test_root_of_rank_one_is_known():
    vector = torch.tensor([[3.0, 0.0, 4.0]], dtype=torch.float64)
    root, eigenvalues = agop.root_of(vector.T @ vector)
    torch.testing.assert_close(root, vector.T @ vector / 5, rtol=1e-7, atol=1e-7)
    torch.testing.assert_close(eigenvalues, torch.tensor([25.0, 0, 0], dtype=torch.float64))


def test_rounding_below_zero_is_clipped():
    matrix = torch.diag(torch.tensor([4.0, -1e-17, 1.0], dtype=torch.float64))
    root, eigenvalues = agop.root_of(matrix)
    expected = torch.diag(torch.tensor([2.0, 0.0, 1.0], dtype=torch.float64))
    torch.testing.assert_close(root, expected, rtol=1e-15, atol=0)
    assert eigenvalues.tolist() == [4, 1, 0]
