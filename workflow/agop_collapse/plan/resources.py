"""What a job needs: memory, time and disk, from its settings and the shape of its data.

Counts of numbers held, multiplications and bytes written, times constants of a slow core and a slow
disk. `benchmarks/resources.py` puts them beside what the jobs of a finished study took.
"""

import math
from dataclasses import dataclass

from ..common.epochs import measured_epochs
from .data_shapes import DataShape
from .settings import DeepRFM, Network, OwnNetwork, StudySettings, TheoryKernel

MB = 10**6
NUMBER, SINGLE = 8, 4  # bytes of float64 and float32

# MB of a process: with PyTorch; with what an optimizer imports; torchvision; the whole VGG-11 that
# the backbone is cut from; and, not measured yet, what CUDA takes of the host's memory.
PROCESS, OPTIMIZER, TORCHVISION, VGG11, CUDA = 750, 200, 220, 550, 3500
# Multiplications and additions a second of one thread and of a GPU, and of the latter in float32.
CPU, CPU_SINGLE, GPU = 2e10, 4e10, 1e13
START = 5  # seconds until a process has begun
DISK = 1e8  # bytes a second, written and read with their checksum
# A training step of nothing, in seconds, on a CPU and on a GPU.
CPU_STEP, GPU_STEP = 1e-3, 2e-4

# As in the library: points whose Jacobians, and whose evaluation, are held; pixels of a Gram
# picture's side; dimensions above which VCI is left out; and what an eigendecomposition costs.
JACOBIANS, EVALUATION, PICTURE, LARGEST_VCI, EIGH = 512, 4096, 200, 2048, 12
# Training points of the public data sets.
WHOLE = {"cifar10": 50_000, "svhn": 73_257}
WHOLE |= dict.fromkeys(("mnist", "fashion_mnist", "kmnist"), 60_000)
# Of a whole network of the user's own: MB of its passes.
OWN_NETWORK = 6000
OWN_ROWS = 500  # of network_layers at an epoch
PICTURE_ROW = 280  # bytes of a pixel as the table of pictures is made
PICTURE_ROW_SAVED = 4.5  # and in its file


@dataclass(frozen=True)
class Needs:
    """What a job needs.

    mem_mb : of the host's memory
    seconds : that it takes, on a slow core
    disk_mb : what it writes
    """

    mem_mb: int
    seconds: float
    disk_mb: int


# The theorems: what descent on kernels takes, whatever the settings nearly.
THEORY = Needs(mem_mb=1200, seconds=60, disk_mb=5)


@dataclass(frozen=True)
class Backbone:
    """What is before a head, of an image of a whole number of pixels.

    parameters; features : of an image; None for its pixels
    steps : multiplications and additions of a pair each, a pixel
    held, evaluated : numbers a pixel that a training step and an evaluation hold
    making_mb : what is held while it is made, and not any more when it is used
    """

    parameters: int
    features: int | None
    steps: float
    held: int
    evaluated: int
    making_mb: int


BACKBONES = {
    "mlp": Backbone(0, None, 0, 1, 1, 0),
    "resnet18": Backbone(11_200_000, 512, 4e4, 200, 30, 0),
    "vgg11": Backbone(4_500_000, 8192, 1.4e5, 350, 160, VGG11),
}
# Of the user's own nothing is known: as much as the larger of each.
OWN_BACKBONE = Backbone(11_200_000, 8192, 1.4e5, 350, 160, VGG11)


def gpus(study: StudySettings) -> int:
    """GPUs of a costly job that are to be granted; Apple's shares the CPU's memory, and is not."""
    return 0 if study.device in ("cpu", "mps") else 1


class Costs:
    """What the jobs of a study's runs need.

    Parameters
    ----------
    study : for its threads
    on_gpu : whether they compute on a GPU; then the host holds the data and what is saved, no more
    """

    def __init__(self, study: StudySettings, on_gpu: bool):
        self._gpu = on_gpu
        self._cpu_rate = CPU * study.torch_threads
        self._single_rate = CPU_SINGLE * study.torch_threads

    # Deep RFM

    def build_deep_rfm(self, run: DeepRFM, data: DataShape) -> Needs:
        """Layer by layer: one n x n array, the points some times over, some d x d matrices."""
        held = flops = saved = 0.0
        n, m, iterations = data.n, data.n_test, run.iterations
        for d, e in _layers(run, data):
            agop = _agop(run, n, d, data.classes) if run.projection == "agop" else 0
            again = 2 * n * d * d * (iterations - 1)
            flops += iterations * (_fit(n, d) + agop) + again + 2 * (n + m) * d * (d + e)
            held = max(held, self._held_by_layer(run, data, d, e))
            saved += n * d + d * (d + e) + n * data.classes + (iterations > 1) * d * d
        last = _layers(run, data)[-1][1]
        flops += iterations * _fit(n, last)
        flops += (iterations - 1) * _agop(run, n, last, data.classes)
        held = max(held, self._held_by_layer(run, data, last, 0))
        saved += n * (last + data.classes) + (iterations > 1) * last**2
        saved *= SINGLE if run.precision == "float32" else NUMBER
        seconds = START + flops / self._rate() + saved / DISK
        memory = PROCESS + NUMBER * (held + 2 * data.points * data.pixels) / MB
        return self._needs(memory, seconds, saved)

    def _held_by_layer(self, run: DeepRFM, data: DataShape, d: int, e: int) -> float:
        """Numbers that the fit of one layer holds at once."""
        n, classes = data.n, data.classes
        if self._gpu:
            return 2 * (n * d + d * (d + e))
        rows = min(run.block_rows, max(n // 16, min(n // 8, 500), 128))
        more = 4 * (run.iterations > 1) + (run.precision == "float32")
        # Distances between classes are picked out of the array with the places that they have.
        beside = 3.2 * n * n / classes + 4 * n * rows
        points = (6 + more) * n * d + 2 * n * e + 4 * data.n_test * (d + e)
        return n * n + beside + points + (5 + more) * d * d + 2 * d * e + 3 * n * classes**2

    def measure_deep_rfm(self, run: DeepRFM, data: DataShape) -> Needs:
        """Two layers at once, points at each stage, and the pictures of Gram matrices."""
        held = flops = read = 0.0
        n, m = data.n, data.n_test
        for d, e in _layers(run, data):
            layer = n * d + d * (d + e)
            read += NUMBER * layer
            points = 9 * n * d + 4 * d * d + 2 * n * e + 2 * d * e + 4 * m * (d + e)
            held = max(held, 2 * layer if self._gpu else points)
            flops += 4 * (n + m) * d * (d + e) + 3 * _collapse(n, d, data.classes)
        pixels = 2 * (2 * run.depth + 1) * min(PICTURE, n) ** 2
        memory = PROCESS + NUMBER * (held + 2 * data.points * data.pixels) / MB
        memory += pixels * PICTURE_ROW / MB
        seconds = START + flops / self._rate() + read / DISK + pixels / 1e6
        rows = sum(d for d, _ in _layers(run, data))
        return self._needs(memory, seconds, pixels * PICTURE_ROW_SAVED + 20 * rows + 3e5)

    def export_deep_rfm(self, run: DeepRFM, data: DataShape, layers: int) -> Needs:
        """As many points of two layers, three times over."""
        d, e = max(_layers(run, data))
        layer = data.points * d + d * (d + e)
        saved = NUMBER * data.points * (2 * d + e) * layers
        memory = PROCESS + NUMBER * (6 * layer + 2 * data.points * (data.pixels + e)) / MB
        flops = 4 * data.points * d * (d + e) * run.depth
        seconds = START + flops / self._rate() + (saved + NUMBER * layer * run.depth) / DISK
        return self._needs(memory, seconds, saved)

    # Networks

    def train_network(self, run: Network, data: DataShape) -> Needs:
        """Weights and what an optimizer keeps of each, a batch on its way, the evaluation."""
        net = _Network(run, data)
        checkpoints = len(measured_epochs(run))
        saved = SINGLE * net.parameters * (checkpoints + _buffers(run))
        memory = OPTIMIZER + net.process_mb(data)
        evaluated = net.evaluation_mb(max(data.n, data.n_test))
        batch = 3 * SINGLE * min(data.n, run.batch_size) * net.held / MB
        on_the_way = 0 if self._gpu else max(evaluated, batch)
        memory += max(net.backbone.making_mb, on_the_way)
        steps = run.epochs * math.ceil(data.n / run.batch_size)
        flops = 6 * net.steps * data.n * run.epochs + 2 * net.steps * data.points * checkpoints
        seconds = START + steps * (GPU_STEP if self._gpu else CPU_STEP)
        seconds += flops / self._rate(single=True) + 3 * saved / DISK
        return self._needs(memory, seconds, saved)

    def measure_network(self, run: Network, data: DataShape) -> Needs:
        """All points at some layers, Jacobians of some points, and four networks' sums."""
        net = _Network(run, data)
        n, m, k, w, depth = data.n, data.n_test, data.classes, run.width, run.hidden_layers
        widest, epochs = max(w, net.features), len(measured_epochs(run))
        memory = net.process_mb(data)
        sums = 7 * NUMBER * (2 * w * (net.features + (depth - 1) * w) + 3 * depth * w * w)
        memory += sums / MB  # compared on the host, also of a GPU
        if self._gpu:
            memory += net.backbone.making_mb
        else:
            points = SINGLE * n * (net.features + depth * w) + 4 * NUMBER * (n + m) * widest
            small = 5 * NUMBER * min(n, widest) ** 2 + 3 * NUMBER * w * widest
            jacobians = 3 * SINGLE * min(n, JACOBIANS) * k * w
            held = (points + small + jacobians) / MB
            memory += max(net.backbone.making_mb, held, net.evaluation_mb(max(n, m)))
        sweeps = 6 * n * k * w * w * depth + 8 * net.steps * (n + m)
        spectra = _spectra(n, w, net.features) + (depth - 1) * _spectra(n, w, w)
        collapse = 2 * _collapse(n, net.features, k) + 2 * depth * _collapse(n, w, k)
        forms = 6 * depth * EIGH * w**3
        each = sweeps / self._rate(single=True) + (spectra + collapse + forms) / self._rate() + 0.3
        rows = epochs * (min(w, net.features) + (depth - 1) * w)
        seconds = START + epochs * (each + SINGLE * 2 * net.parameters / DISK)
        return self._needs(memory, seconds, 30 * rows + 3e5)

    def export_network(self, run: Network, data: DataShape, layers: int) -> Needs:
        """The points of a network at one epoch, before and after each activation."""
        net = _Network(run, data)
        widest = max(run.width, net.features)
        saved = SINGLE * 2 * data.points * widest * layers
        memory = net.process_mb(data) + SINGLE * 8 * data.points * widest / MB
        evaluated = 0 if self._gpu else net.evaluation_mb(max(data.n, data.n_test))
        memory += max(net.backbone.making_mb, evaluated)
        seconds = START + 4 * net.steps * data.points / self._rate(single=True) + saved / DISK
        return self._needs(memory, seconds, saved)

    # Networks of the user's own

    def train_own_network(self, run: OwnNetwork, data: DataShape) -> Needs:
        """Nothing is known of it: as much as the largest backbone, and the passes of a batch."""
        pixels, checkpoints = data.height * data.width, len(measured_epochs(run))
        saved = SINGLE * OWN_BACKBONE.parameters * checkpoints
        batch = 3 * SINGLE * min(data.n, run.batch_size) * OWN_BACKBONE.held * pixels / MB
        points = 4 * NUMBER * data.points * data.pixels
        memory = PROCESS + OPTIMIZER + TORCHVISION
        memory += (points + 6 * SINGLE * OWN_BACKBONE.parameters) / MB
        memory += 0 if self._gpu else max(OWN_NETWORK, batch)
        steps = run.epochs * math.ceil(data.n / run.batch_size)
        passes = 3 * data.n * run.epochs + data.points * checkpoints
        flops = 2 * OWN_BACKBONE.steps * pixels * passes
        seconds = START + steps * (GPU_STEP if self._gpu else CPU_STEP)
        seconds += flops / self._rate(single=True) + 3 * saved / DISK
        return self._needs(memory, seconds, saved)

    def measure_own_network(self, run: OwnNetwork, data: DataShape) -> Needs:
        """Nothing is known of it: a large one, and at each epoch a backward pass for each class."""
        # And of a network that is not trained.
        networks = 1 + (1 if run.checkpoint else len(measured_epochs(run)))
        passes = (2 * data.classes + 3) * data.n + data.n_test
        flops = 2 * OWN_BACKBONE.steps * data.height * data.width * passes * networks
        seconds = START + flops / self._rate(single=True)
        memory = PROCESS + TORCHVISION + OWN_NETWORK
        return self._needs(memory + 4 * NUMBER * data.points * data.pixels / MB, seconds, 1e6)

    # The theory

    def simulate_theory_kernel(self, simulation: TheoryKernel) -> Needs:
        """Some random feature maps of 100 dimensions, of forty pairs of points."""
        weights = 100 * simulation.width
        seconds = START + 200 * weights * simulation.draws / self._cpu_rate
        return Needs(math.ceil(PROCESS + 4 * NUMBER * weights / MB), seconds, 1)

    def _rate(self, single: bool = False) -> float:
        if self._gpu:
            return GPU
        return self._single_rate if single else self._cpu_rate

    def _needs(self, memory: float, seconds: float, written: float) -> Needs:
        memory += CUDA * self._gpu
        return Needs(math.ceil(memory), seconds, math.ceil(written / MB))


class _Network:
    """Sizes of a network: parameters, features before the head, and numbers held of a point."""

    def __init__(self, run: Network, data: DataShape):
        self.backbone = BACKBONES.get(run.model, OWN_BACKBONE)
        if run.backbone is not None:
            self.backbone = OWN_BACKBONE
        pixels = data.height * data.width
        of_mlp = self.backbone.features is None
        self.features = data.pixels if of_mlp else self.backbone.features
        head = run.width * (self.features + (run.hidden_layers - 1) * run.width + data.classes)
        self.parameters = self.backbone.parameters + head
        self.steps = self.backbone.steps * pixels + head
        self.held = self.backbone.held * pixels + 3 * run.hidden_layers * run.width + self.features
        self._evaluated = self.backbone.evaluated * pixels + 3 * max(run.width, self.features)

    def process_mb(self, data: DataShape) -> float:
        """With its libraries, the points in float64 and float32, and the parameters."""
        libraries = PROCESS + TORCHVISION * (self.backbone.features is not None)
        points = (2 * NUMBER + SINGLE) * data.points * data.pixels
        return libraries + (points + 6 * SINGLE * self.parameters) / MB

    def evaluation_mb(self, n: int) -> float:
        """What is held on the way of as many points as are evaluated at a time."""
        return SINGLE * min(n, EVALUATION) * self._evaluated / MB


def _layers(run: DeepRFM, data: DataShape) -> list[tuple[int, int]]:
    """Of each layer the dimension of its points and of its features."""
    if run.feature_map != "cos":
        features = run.width
    else:
        features = data.pixels if run.n_features == "input_dim" else run.n_features
    return [(data.pixels, features)] + [(features, features)] * (run.depth - 1)


def _fit(n: int, d: int) -> float:
    """Operations of the distances and of the solve."""
    return n * n * d + n**3 / 3


def _agop(run: DeepRFM, n: int, d: int, classes: int) -> float:
    """Operations of the cheapest form of an AGOP, and of its root."""
    m = n + classes
    root = EIGH * d**3
    direct = 2 * classes * run.agop_share * (n * n * d + n * d * d) + root
    if run.agop_share < 1:
        return direct
    forms = [
        direct,
        n**3 + n * n * d + 2 * n * d * d + root,  # Hadamard
    ]
    if m < d:  # Gram side: a QR decomposition, and a root of m dimensions
        forms.append(n**3 + 8 * m * m * d + (EIGH + 4) * m**3 + 2 * (m * m * d + m * d * d))
    return min(forms)


def _collapse(n: int, d: int, classes: int) -> float:
    """Operations of the measures of collapse of some points."""
    least = min(n, d)
    vci = 4 * n * d * least + 21 * least**3 if least <= LARGEST_VCI else 0
    return 20 * n * d * classes + vci


def _buffers(run: Network) -> int:
    """Numbers of the state to go on from, which is kept, for each weight."""
    if run.recreate_optimizer:
        return 0
    return int(run.momentum > 0) if run.optimizer == "sgd" else 2


def _spectra(n: int, w: int, d: int) -> float:
    """Operations of the spectra of a layer's weight and of its input."""
    least = min(n, d)
    return 2 * n * d * least + EIGH * least**3 + 20 * min(w, d) ** 2 * max(w, d) + 4 * n * w * d


# What all studies have alike


def prepare_data(kind: str, data: DataShape) -> Needs:
    """Images as floating numbers some times over; where they are files, a thousand a second.

    A public set is read whole, as bytes, whatever is taken of it.
    """
    pixels = data.points * data.pixels
    whole = 3 * WHOLE.get(kind, 0) * data.pixels
    memory = PROCESS + TORCHVISION + (4 * NUMBER * pixels + whole) / MB
    seconds = 2 * START + data.points / 1000 + (SINGLE * pixels + whole) / DISK
    return Needs(math.ceil(memory), seconds, math.ceil(SINGLE * pixels / MB))


def combine_tables(rows: list[int]) -> Needs:
    """Rows of all runs, with what names these; one table after the other."""
    every = sum(rows)
    return Needs(230 + 300 * max(rows) // MB, START + every / 1e6, len(rows) + 20 * every // MB)


def plot_figure(rows: int) -> Needs:
    """The rows that are drawn, and a few MB of PDF and PNG."""
    return Needs(350 + 300 * rows // MB, 2 * START + rows / 1e6, 3)


def make_report(rows: int, pixels: int) -> Needs:
    """All tables at once, the pictures of one run after the other, and the page as a text."""
    memory = 450 + (500 * rows + PICTURE_ROW * pixels) // MB
    return Needs(memory, 4 * START + rows / 1e4 + pixels / 1e5, 15)


def table_rows(settings: DeepRFM | Network | OwnNetwork, data: DataShape, table: str) -> int:
    """Rows of a table of one run, of those that have many; else what none exceeds."""
    if table == "gram_picture":
        return 2 * (2 * settings.depth + 1) * min(PICTURE, data.n) ** 2
    if table == "agop_spectrum":
        return sum(d for d, _ in _layers(settings, data))
    if table == "network_spectrum":
        return len(measured_epochs(settings)) * settings.hidden_layers * settings.width
    if table == "network_layers" and not settings.checkpoint:
        return len(measured_epochs(settings)) * OWN_ROWS
    return 5000
