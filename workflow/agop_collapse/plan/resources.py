"""What a job needs: memory, minutes and GPUs, from its settings."""

from .settings import Dataset, DeepRFM, Network, StudySettings

GREY = {"digits": 8, "mnist": 28, "fashion_mnist": 28, "kmnist": 28}
COLOUR = {"cifar10": 32, "svhn": 32}


def gpus(study: StudySettings) -> int:
    """GPUs of a costly job."""
    return 0 if study.device == "cpu" else 1


def data_mem_mb(dataset: Dataset) -> int:
    """The images twice in float64, 64 x 64 where that is not known; and what PyTorch takes."""
    if dataset.kind in GREY:
        values = GREY[dataset.kind] ** 2
    else:
        values = 3 * (dataset.size or COLOUR.get(dataset.kind, 64)) ** 2
    return 1500 + 16 * (dataset.n + dataset.n_test) * values // 10**6


def _layer_width(run: DeepRFM) -> int:
    """Dimension of the points after the first layer, near enough to plan by."""
    if run.feature_map != "cos":
        return run.width
    return 3072 if run.n_features == "input_dim" else run.n_features


def deep_rfm_mem_mb(run: DeepRFM, n: int) -> int:
    """One n x n array, three of its panels, six n x d and d x d; and what PyTorch itself takes."""
    d, rows = _layer_width(run), min(n, run.block_rows)
    numbers = n * n + 3 * n * rows + 6 * n * d + 6 * d * d
    return 1500 + 8 * numbers // 10**6


def deep_rfm_minutes(run: DeepRFM, n: int, study: StudySettings) -> int:
    """Layers at 10 (CPU thread) or 5000 (GPU) Gflop/s: W^2, the solve, the products, the root."""
    d = _layer_width(run)
    rate = 5e12 if gpus(study) else 1e10 * study.torch_threads
    flops = run.depth * (2 * n**3 + 6 * n * n * d + 20 * d**3)
    return 10 + int(2 * flops / rate / 60)


def network_mem_mb(n: int) -> int:
    """The points in float64 and float32 at every layer, and what PyTorch itself takes."""
    return 2500 + n * 100_000 // 10**6


def network_minutes(run: Network, n: int, study: StudySettings) -> int:
    """Epochs at 5,000 (CPU) or 100,000 (GPU) points a second, and half a minute a measurement."""
    rate = 1e5 if gpus(study) else 5e3
    seconds = run.epochs * (n / rate + 30 / run.measure_every)
    return 10 + int(seconds / 60)


def own_network_mem_mb(dataset: Dataset) -> int:
    """The images, the passes of as many as go through the network together, and PyTorch itself."""
    return 6000 + data_mem_mb(dataset)


def own_network_minutes(n: int, study: StudySettings) -> int:
    """Two networks, backward for each class: at 1 (CPU thread) or 50 (GPU) images a second."""
    rate = 50 if gpus(study) else study.torch_threads
    return 10 + int(2 * n / rate / 60)
