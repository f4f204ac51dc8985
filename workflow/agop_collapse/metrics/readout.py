"""NC3: the readout W, b against the class means of its input.

With targets of +-1 and no bias, as here, the optimum is not at W in proportion to the centred class
means: `reference_lines` has what is expected instead. The readout less the mean of its rows takes
the same decisions, and does align with the centred means for each of the usual codings.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .class_means import EPS, Frame, frame_of
from .collapse import simplex_etf
from .frames import target_frame


@dataclass(frozen=True)
class Alignment:
    """How a readout stands to the class means; see `measure`."""

    nc3: float
    nc3_centred: float
    nc3_projected: float
    nc3_least_squares: float
    nc3_cos: float
    nc3_cos_min: float
    nc3_cos_centred: float
    nc3_cos_centred_min: float
    nc3_cos_projected: float
    nc3_cos_least_squares: float
    nc3_etf: float
    nc3_bias: float
    unc3: float
    principal_cosine: float


def measure(
    frame: Frame,
    class_counts: list[int],
    weight: Tensor,
    bias: Tensor | None = None,
    targets: Tensor | None = None,
) -> Alignment:
    """How a readout stands to the class means of its input.

    A distance is ||A / ||A||_F - B / ||B||_F||_F^2, between 0 and 4; a cosine is the mean of those
    of the rows of A with those of B. nan where A, B or, for a cosine, one of their rows is 0.

    Parameters
    ----------
    frame : of the class means M (K, d), `frame_of_classes` of the readout's input
    class_counts : points of each class, in order
    weight : (K, d) floating tensor W
    bias : (K,) floating tensor b; None where the readout has none
    targets : (K, K) floating tensor T, in column c the outputs that class c is trained for;
        2 I - 1 1^T by default

    Returns
    -------
    Alignment, with Mc the centred means, P W the readout less the mean of its rows
        nc3 = distance of W from Mc (Papyan, Han and Donoho, arXiv 2008.08186);
        nc3_centred = distance of P W from Mc: 0 at collapse, with or without bias;
        nc3_projected = of P W Pi from Mc, Pi the projection on the span of M: without weight decay
            the initialisation stays in W off that span;
        nc3_least_squares = of W Pi from (T - b 1^T) (M^T)^+, the least W that fits the means;
        nc3_cos, nc3_cos_min = mean and smallest cosine of rows, of the pair of nc3;
        nc3_cos_centred, nc3_cos_centred_min, nc3_cos_projected, nc3_cos_least_squares = the same of
            the other pairs;
        nc3_etf = ||W Mc^T / ||W Mc^T||_F - P / sqrt(K-1)||_F (arXiv 2105.02375);
        nc3_bias = ||W g + b||, g the mean of the points: 0 at collapse under cross-entropy, the
            norm of the mean target under squared error with a bias;
        unc3 = variance (divisor K - 1) over classes of <w_c, m_c - mu> (UNC3, arXiv 2405.17767);
            small also where all are misaligned alike;
        principal_cosine = `principal_cosine(weight, frame.vectors)`.

    Raises
    ------
    ValueError : when the weight is not of the means' shape, or there are not as many counts.
    """
    if weight.shape != frame.vectors.shape or len(class_counts) != frame.classes:
        raise ValueError(
            f"weight {tuple(weight.shape)} and {len(class_counts)} class counts do not fit "
            f"class means {tuple(frame.vectors.shape)}"
        )
    rows = frame_of(weight)
    weight = rows.vectors
    centred_weight = _rows_above(rows.rounding, rows.centred)
    means = _rows_above(frame.rounding, frame.centred)
    bias = weight.new_zeros(len(weight)) if bias is None else bias.to(weight)
    if targets is None:
        targets = 2 * torch.eye(len(weight)) - 1

    left, values, right = _significant_svd(frame.vectors, frame.rounding)
    on_span = _rows_above(rows.rounding, weight @ right.T @ right)
    projected = _rows_above(rows.rounding, centred_weight @ right.T @ right)
    least_squares = (targets.to(weight) - bias[:, None]) @ (left / values) @ right

    shares = torch.tensor(class_counts, dtype=torch.float64, device=weight.device)
    grand_mean = shares @ frame.vectors / shares.sum()
    raw, centred = cosines(weight, means), cosines(centred_weight, means)
    return Alignment(
        distance(weight, means),
        distance(centred_weight, means),
        distance(projected, means),
        distance(on_span, least_squares),
        float(raw.mean()),
        float(raw.min()),
        float(centred.mean()),
        float(centred.min()),
        float(cosines(projected, means).mean()),
        float(cosines(on_span, least_squares).mean()),
        etf_of_products(weight, means),
        float(torch.linalg.vector_norm(weight @ grand_mean + bias)),
        float((weight * means).sum(dim=1).var()),
        principal_cosine(weight, frame.vectors),
    )


def _rows_above(rounding: float, rows: Tensor) -> Tensor:
    """Rows that are rounding set to 0: they have no direction."""
    norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return torch.where(norms > rounding, rows, 0)


def distance(a: Tensor, b: Tensor) -> float:
    """||A / ||A||_F - B / ||B||_F||_F^2; nan where either is 0."""
    return float((a / torch.linalg.matrix_norm(a) - b / torch.linalg.matrix_norm(b)).square().sum())


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Of the rows of A with those of B; nan where either is 0."""
    norms = torch.linalg.vector_norm(a, dim=1) * torch.linalg.vector_norm(b, dim=1)
    return (a * b).sum(dim=1) / norms


def etf_of_products(weight: Tensor, centred_means: Tensor) -> float:
    """||W Mc^T / ||W Mc^T||_F - P / sqrt(K-1)||_F; nan where W Mc^T is 0."""
    products = weight @ centred_means.T
    norm = torch.linalg.matrix_norm(products)
    sizes = torch.linalg.matrix_norm(weight) * torch.linalg.matrix_norm(centred_means)
    if norm <= 16 * EPS * sizes:
        return math.nan
    etf = simplex_etf(len(products)).to(products)
    return float(torch.linalg.matrix_norm(products / norm - etf / torch.linalg.matrix_norm(etf)))


def principal_cosine(weight: Tensor, means: Tensor) -> float:
    """Mean cosine of the principal angles between a weight's and the means' leading directions.

    These are the right singular vectors of the K largest singular values, or of as many as are
    above rounding: the mean is over the singular values of V_W^T U_M (Rangamani et al. 2023). Of
    random directions the root mean square is `principal_cosine_chance`.

    Parameters
    ----------
    weight : (w, d) floating tensor, of a hidden layer or the readout
    means : (K, d) floating tensor, class means of its input, uncentred

    Returns
    -------
    The mean, nan where either matrix is 0.
    """
    _, _, of_weight = _significant_svd(weight.to(torch.float64))
    _, _, of_means = _significant_svd(means.to(torch.float64))
    return float(torch.linalg.svdvals(of_weight[: len(means)] @ of_means.T).mean())


def _significant_svd(a: Tensor, rounding: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Thin singular value decomposition U, s, V^T, of the singular values above rounding."""
    left, values, right = torch.linalg.svd(a, full_matrices=False)
    kept = values > max(max(a.shape) * EPS * float(values[0]), rounding)
    return left[:, kept], values[kept], right[kept]


@dataclass(frozen=True)
class ReferenceLines:
    """What measures are at optima of free features; see `reference_lines`."""

    nc3_cos_plus_minus: float
    nc3_cos_orthogonal: float
    nc3_cos_one_hot: float
    mean_cosine_plus_minus: float
    frame_distance_plus_minus: float


def reference_lines(classes: int) -> ReferenceLines:
    """What measures are at optima of free features, squared error, no bias, weight decay near 0.

    Parameters
    ----------
    classes : K >= 2; with fewer than 4, targets of +-1 ask for means at obtuse angles, which
        features that are not negative cannot have

    Returns
    -------
    ReferenceLines, with
        nc3_cos_plus_minus = sqrt(2 (K-1) / (3K-4)), of targets +-1, where w_c is in proportion to
            (m_c - mu) - mu;
        nc3_cos_orthogonal = 2 sqrt(K-1) / K, of targets +-1 fitted on orthonormal means;
        nc3_cos_one_hot = sqrt((K-1) / K), of one-hot targets;
        mean_cosine_plus_minus = (K-4) / (3K-4), of the uncentred means of targets +-1;
        frame_distance_plus_minus = their `frames.frame_distance`.
    """
    frame = target_frame(classes)
    ideal = torch.eye(classes, dtype=torch.float64) / math.sqrt(classes)
    return ReferenceLines(
        math.sqrt(2 * (classes - 1) / (3 * classes - 4)),
        2 * math.sqrt(classes - 1) / classes,
        math.sqrt((classes - 1) / classes),
        (classes - 4) / (3 * classes - 4),
        float(torch.linalg.matrix_norm(frame / torch.linalg.matrix_norm(frame) - ideal)),
    )


def principal_cosine_chance(classes: int, d: int) -> float:
    """sqrt(K / d): root mean square cosine of principal angles between random K-spaces in R^d."""
    return math.sqrt(min(1.0, classes / d))
