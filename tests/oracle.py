"""The definitions once more: slow, literal, and sharing no code with the library.

Plain numpy with loops over samples and classes, distances as norms of differences, gradients by
autograd. Points are rows; `counts` are the points of each class, in order.
"""

import math

import numpy as np
import torch
from torch import Tensor

# --- points -----------------------------------------------------------------------------------


def classes_of(counts: list[int]) -> list[int]:
    """The class of each point."""
    return [k for k, count in enumerate(counts) for _ in range(count)]


def unit(x: np.ndarray) -> np.ndarray:
    rows = [row / math.sqrt(sum(value**2 for value in row)) if row.any() else row for row in x]
    return np.array(rows)


def class_mean(x: np.ndarray, counts: list[int], k: int) -> np.ndarray:
    labels = classes_of(counts)
    return sum(row for row, label in zip(x, labels, strict=True) if label == k) / counts[k]


def plus_minus_one(labels: list[int], classes: int) -> np.ndarray:
    return np.array([[1.0 if k == label else -1.0 for k in range(classes)] for label in labels])


# --- kernels and their machine ----------------------------------------------------------------


def distances(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Norms of differences."""
    return np.array([[math.sqrt(((a - b) ** 2).sum()) for b in z] for a in x]).reshape(
        len(x), len(z)
    )


def expanded_distances(x: np.ndarray) -> np.ndarray:
    """|x|^2 + |z|^2 - 2 x.z: what the authors' code does, and what collapse destroys."""
    norms = (x**2).sum(axis=1)
    return np.sqrt(np.maximum(norms[:, None] + norms - 2 * x @ x.T, 0))


# Of numpy arrays and of tensors, by the exponential of either.
KERNELS = {
    "laplace": lambda d, length, exp: exp(-d / length),
    "gaussian": lambda d, length, exp: exp(-(d**2) / (2 * length**2)),
    "matern32": lambda d, length, exp: (1 + 3**0.5 * d / length) * exp(-(3**0.5) * d / length),
    "matern52": lambda d, length, exp: (
        (1 + 5**0.5 * d / length + 5 * d**2 / (3 * length**2)) * exp(-(5**0.5) * d / length)
    ),
}


def kernel_of_distance(kernel: str, distance: np.ndarray, bandwidth: float) -> np.ndarray:
    return KERNELS[kernel](distance, bandwidth, np.exp)


def angle(x: Tensor, z: Tensor) -> Tensor:
    """Between two vectors, with all digits where they nearly coincide (Kahan)."""
    x, z = x / torch.linalg.vector_norm(x), z / torch.linalg.vector_norm(z)
    return 2 * torch.atan2(torch.linalg.vector_norm(x - z), torch.linalg.vector_norm(x + z))


def relu_tangent(x: Tensor, z: Tensor) -> Tensor:
    """|x| |z| (k1 + t k0), the arc-cosine kernels of order 1 and 0."""
    a = angle(x, z)
    k0 = 1 - a / math.pi
    k1 = (torch.cos(a) * (math.pi - a) + torch.sin(a)) / math.pi
    return torch.linalg.vector_norm(x) * torch.linalg.vector_norm(z) * (k1 + torch.cos(a) * k0)


# Of two vectors.
DOT_PRODUCT = {"linear": lambda x, z: x @ z, "relu_ntk": relu_tangent}


def kernel_matrix(kernel: str, x: np.ndarray, z: np.ndarray, bandwidth: float) -> np.ndarray:
    if kernel in DOT_PRODUCT:
        pair = DOT_PRODUCT[kernel]
        return np.array([[float(pair(torch.tensor(a), torch.tensor(b))) for b in z] for a in x])
    return kernel_of_distance(kernel, distances(x, z), bandwidth)


def differentiable_kernel(kernel: str, x: Tensor, z: Tensor, bandwidth: float) -> Tensor:
    """k(x, z) of one x with each row of z. Autograd takes the gradient of |0| to be 0."""
    distance = torch.linalg.vector_norm(x - z, dim=1)
    return KERNELS[kernel](distance, bandwidth, torch.exp)


def machine_gradients(
    kernel: str, x: np.ndarray, coefficients: np.ndarray, bandwidth: float, root=None
) -> np.ndarray:
    """grad f_c(x_i), (n, c, d), by autograd; with a root R the kernel is k(R x, R z)."""
    centres, a = torch.tensor(x), torch.tensor(coefficients)
    root = torch.eye(x.shape[1], dtype=torch.float64) if root is None else torch.tensor(root)
    if kernel in DOT_PRODUCT:
        return dot_product_gradients(kernel, centres, a, root)
    gradients = np.zeros((*coefficients.shape, x.shape[1]))
    for i in range(len(x)):
        for c in range(coefficients.shape[1]):
            point = centres[i].clone().requires_grad_()
            # Mapped after the difference: a point is at no distance at all from itself.
            mapped = (point - centres) @ root
            values = differentiable_kernel(kernel, mapped, torch.zeros_like(mapped), bandwidth)
            (gradient,) = torch.autograd.grad(values @ a[:, c], point)
            gradients[i, c] = gradient.numpy()
    return gradients


def dot_product_gradients(kernel: str, centres: Tensor, a: Tensor, root: Tensor) -> np.ndarray:
    """The same of a kernel of the dot product.

    Of a point with its own direction the part across it is 0; by homogeneity the rest is k / |z|^2
    z, z the mapped point.
    """
    pair, mapped = DOT_PRODUCT[kernel], centres @ root
    gradients = torch.zeros(*a.shape, centres.shape[1], dtype=torch.float64)
    for i in range(len(centres)):
        for j in range(len(centres)):
            z = mapped[i].clone().requires_grad_()
            if (mapped[i] - mapped[j]).norm() < 1e-13:
                gradient = pair(mapped[i], mapped[i]) / mapped[i].square().sum() * mapped[i]
            else:
                (gradient,) = torch.autograd.grad(pair(z, mapped[j]), z)
            gradients[i] += a[j][:, None] * (root @ gradient)
    return gradients.numpy()


def agop(gradients: np.ndarray) -> np.ndarray:
    """Sum of the outer products of gradients over points and outputs."""
    d = gradients.shape[-1]
    return sum((np.outer(g, g) for g in gradients.reshape(-1, d)), np.zeros((d, d)))


def root_of(matrix: np.ndarray) -> np.ndarray:
    """Symmetric root of a positive semi-definite matrix, by its singular values."""
    left, values, _ = np.linalg.svd(matrix)
    return (left * np.sqrt(values)) @ left.T


# --- neural collapse --------------------------------------------------------------------------


def covariances(x: np.ndarray, counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """S_W and S_B of section 3.4, as d x d matrices."""
    labels = classes_of(counts)
    means = [class_mean(x, counts, k) for k in range(len(counts))]
    overall = sum(means) / len(means)
    within = sum(
        np.outer(row - means[label], row - means[label])
        for row, label in zip(x, labels, strict=True)
    ) / len(x)
    between = sum(np.outer(mean - overall, mean - overall) for mean in means) / len(means)
    return within, between


def nc1(x: np.ndarray, counts: list[int]) -> float:
    within, between = covariances(x, counts)
    return np.trace(within) / np.trace(between)


def nc2(x: np.ndarray, counts: list[int]) -> float:
    """Frobenius norm of the Gram matrix of normalised class means less that of a simplex ETF."""
    classes = len(counts)
    means = [class_mean(x, counts, k) for k in range(classes)]
    overall = sum(means) / classes
    total = 0.0
    for k in range(classes):
        for m in range(classes):
            a, b = means[k] - overall, means[m] - overall
            cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
            total += (cosine - (1 if k == m else -1 / (classes - 1))) ** 2
    return math.sqrt(total)


def cosines(x: np.ndarray) -> np.ndarray:
    """Of points about their mean, all pairs."""
    directions = unit(x - x.mean(axis=0))
    return np.array([[a @ b for b in directions] for a in directions])


def gram_statistics(gram: np.ndarray, counts: list[int]) -> tuple[float, float, float, float]:
    """Mean and standard deviation over pairs i < j of one class, and of two."""
    labels = classes_of(counts)
    pairs: dict[bool, list[float]] = {True: [], False: []}
    for i in range(len(gram)):
        for j in range(i + 1, len(gram)):
            pairs[labels[i] == labels[j]].append(gram[i, j])
    return tuple(
        float(statistic(pairs[same])) if pairs[same] else math.nan
        for same in (True, False)
        for statistic in (np.mean, np.std)
    )


# --- Deep RFM ---------------------------------------------------------------------------------


def features(kind: str, x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """relu(<w, x> + b), sqrt(2 / D) cos(<w, x> + b), or <w, x>, feature by feature."""
    of_product = {
        "relu": lambda value: max(value, 0.0),
        "cos": lambda value: math.sqrt(2 / len(weight)) * math.cos(value),
        "linear": lambda value: value,
    }[kind]
    bias = np.zeros(len(weight)) if bias is None else bias
    columns = [[of_product(row @ w + b) for row in x] for w, b in zip(weight, bias, strict=True)]
    return np.array(columns).T.reshape(len(x), len(weight))


def normalised(matrix: np.ndarray, how: str, n: int) -> np.ndarray:
    scale = {"max": matrix.max(), "mean": n, "sum": 1, "trace": np.trace(matrix)}[how]
    return matrix / scale


def deep_rfm_layer(
    x: np.ndarray,
    targets: np.ndarray,
    test_x: np.ndarray,
    *,
    kernel: str,
    bandwidth: float,
    ridge: float,
    iterations: int,
    agop_norm: str,
    projection: str,
) -> dict[str, np.ndarray]:
    """Steps 3 to 6 of Algorithm 1 on normalised points: alpha, M^1/2, and predictions."""
    root = np.eye(x.shape[1])
    for _ in range(iterations):
        z, test_z = x @ root, test_x @ root
        system = kernel_matrix(kernel, z, z, bandwidth) + ridge * np.eye(len(x))
        alpha = np.linalg.inv(system) @ targets
        train = kernel_matrix(kernel, z, z, bandwidth) @ alpha
        test = kernel_matrix(kernel, test_z, z, bandwidth) @ alpha
        if projection == "agop":
            outer = agop(machine_gradients(kernel, x, alpha, bandwidth, root))
            root = root_of(normalised(outer, agop_norm, len(x)))
    residual = np.linalg.norm(system @ alpha - targets) / np.linalg.norm(targets)
    return {"alpha": alpha, "root": root, "train": train, "test": test, "residual": residual}


def accuracy(outputs: np.ndarray, labels: list[int]) -> float:
    right = [
        max(range(len(row)), key=lambda k: row[k]) == label
        for row, label in zip(outputs, labels, strict=True)
    ]
    return sum(right) / len(right)


# --- networks ---------------------------------------------------------------------------------


def forward(weights: list[Tensor], x: Tensor, activation=torch.relu) -> Tensor:
    """Hidden layers relu(W x), and a linear readout, the last weight; one point or many."""
    *hidden, readout = weights
    for weight in hidden:
        x = activation(x @ weight.T)
    return x @ readout.T


def network_agop(weights: list[Tensor], x: Tensor, layer: int, activation=torch.relu) -> np.ndarray:
    """Mean over points of J^T J, J the Jacobian of the outputs by the input of layer 1, 2, ..."""
    total = 0
    for point in x:
        for weight in weights[: layer - 1]:
            point = activation(weight @ point)
        jacobian = torch.func.jacrev(lambda z: forward(weights[layer - 1 :], z, activation))(point)
        total = total + jacobian.T @ jacobian
    return (total / len(x)).numpy()


def softmax(row: np.ndarray) -> np.ndarray:
    return np.array([1 / sum(math.exp(other - value) for other in row) for value in row])


def cross_entropy(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Mean over points of -log of the softmax at the class, whose target is 1."""
    losses = [
        -math.log(p)
        for row, target in zip(outputs, targets, strict=True)
        for p, t in zip(softmax(row), target, strict=True)
        if t == 1
    ]
    return sum(losses) / len(outputs)


def gradients_of_loss(
    weights: list[np.ndarray], x: np.ndarray, targets: np.ndarray, loss: str
) -> tuple[float, list[np.ndarray]]:
    """A loss of a ReLU network, and its gradient by each weight (chain rule).

    "mse", the mean squared error over points and outputs, or "cross_entropy".
    """
    inputs = [x]
    for weight in weights[:-1]:
        inputs.append(np.maximum(inputs[-1] @ weight.T, 0))
    outputs = inputs[-1] @ weights[-1].T
    if loss == "mse":
        value = ((outputs - targets) ** 2).mean()
        back = 2 * (outputs - targets) / outputs.size
    else:
        value = cross_entropy(outputs, targets)
        back = (np.array([softmax(row) for row in outputs]) - (targets == 1)) / len(outputs)
    gradients = []
    for weight, points in zip(reversed(weights), reversed(inputs), strict=True):
        gradients.insert(0, back.T @ points)
        back = (back @ weight) * (points > 0)
    return float(value), gradients


class Sgd:
    """Stochastic gradient descent with momentum."""

    def __init__(self, rate: float, momentum: float):
        self.rate, self.momentum, self.velocity = rate, momentum, None

    def step(self, weights: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        if self.velocity is None:
            self.velocity = [np.zeros_like(gradient) for gradient in gradients]
        self.velocity = [
            self.momentum * v + g for v, g in zip(self.velocity, gradients, strict=True)
        ]
        return [w - self.rate * v for w, v in zip(weights, self.velocity, strict=True)]


class Adam:
    """Kingma and Ba 2015, with its constants."""

    def __init__(self, rate: float):
        self.rate, self.steps = rate, 0
        self.first = self.second = 0

    def step(self, weights: list[np.ndarray], gradients: list[np.ndarray]) -> list[np.ndarray]:
        self.steps += 1
        if self.steps == 1:
            self.first = [np.zeros_like(g) for g in gradients]
            self.second = [np.zeros_like(g) for g in gradients]
        moved = []
        for index, (weight, g) in enumerate(zip(weights, gradients, strict=True)):
            self.first[index] = 0.9 * self.first[index] + 0.1 * g
            self.second[index] = 0.999 * self.second[index] + 0.001 * g**2
            mean = self.first[index] / (1 - 0.9**self.steps)
            spread = np.sqrt(self.second[index] / (1 - 0.999**self.steps))
            moved.append(weight - self.rate * mean / (spread + 1e-8))
        return moved


# --- data -------------------------------------------------------------------------------------


def standardised(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Each pixel less its mean, over its unbiased standard deviation; 0 where it never changes."""
    result = np.zeros(points.shape)
    for pixel in range(points.shape[1]):
        values = [float(value) for value in reference[:, pixel]]
        if all(value == values[0] for value in values):
            continue
        mean = math.fsum(values) / len(values)
        variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        for i in range(len(points)):
            result[i, pixel] = (points[i, pixel] - mean) / math.sqrt(variance)
    return result
