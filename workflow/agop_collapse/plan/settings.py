"""Every setting of the configuration, declared once: type, default, bounds, label, description.

The schema (`schema`), the checks and their messages (`config_errors`), the names of runs, the
columns of the table `runs` and the documentation follow from here. Blocks are flat: what holds
other blocks, a study, is taken apart by `configuration`.
"""

import difflib
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from ..data.addresses import ARCHIVES
from .figure_layers import PAPER_LAYERS
from .registry import (
    ACTIVATIONS,
    DOT_PRODUCT,
    FEATURE_MAPS,
    KERNELS,
    LOSSES,
    MODELS,
    OWN,
    PROJECTIONS,
    Entry,
)

NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
RUN_NAME = r"^[A-Za-z][A-Za-z0-9_.-]*$"
LARGEST_SEED = 2**63 - 1


class Block(BaseModel):
    """Settings that belong together. Text is no number, 2.0 no integer, and nothing is infinite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    # Keys beside the settings, which `runs` takes out.
    beside: ClassVar[tuple[str, ...]] = ()
    # By a setting those that have no effect where it is given.
    only_without: ClassVar[dict[str, tuple[str, ...]]] = {}


@dataclass(frozen=True)
class Facts:
    """What a setting is besides its type, default, bounds and description.

    label : what a figure calls it; without one, its name
    counts : whether another value makes another result
    swept : whether of several values in a list each makes a run of its own
    only_for : (setting, value or values) that must hold for it to have any effect
    not_for : (setting, values) of which none may hold
    """

    label: str = ""
    counts: bool = True
    swept: bool = True
    only_for: tuple[str, str | tuple[str, ...]] | None = None
    not_for: tuple[str, tuple[str, ...]] | None = None


def setting(
    default: Any,
    description: str,
    label: str = "",
    counts: bool = True,
    swept: bool = True,
    only_for: tuple[str, str | tuple[str, ...]] | None = None,
    not_for: tuple[str, tuple[str, ...]] | None = None,
    **bounds: Any,
) -> Any:
    """A field of a block; `...` as default for one that must be given."""
    info = Field(default, description=description, **bounds)
    info.metadata.append(Facts(label, counts, swept, only_for, not_for))
    return info


def facts(block: type[Block], name: str) -> Facts:
    """The facts of a setting."""
    for item in block.model_fields[name].metadata:
        if isinstance(item, Facts):
            return item
    return Facts()


def setting_label(block: type[Block], name: str) -> str:
    """What a figure calls a setting."""
    return facts(block, name).label or name.replace("_", " ")


def applies(settings: Block, name: str) -> bool:
    """Whether a setting has any effect, given the others."""
    for given, others in settings.only_without.items():
        if name in others and getattr(settings, given) is not None:
            return False
    known = facts(type(settings), name)
    if known.not_for is not None:
        other, values = known.not_for
        if set(getattr(settings, other).split()) <= set(values):  # a kernel, or one for each layer
            return False
    if known.only_for is None:
        return True
    name, values = known.only_for
    return getattr(settings, name) in ((values,) if isinstance(values, str) else values)


def _one_of(known: Collection[str], own: bool = False) -> Any:
    """A string type: one of some names, or a module:object of the user's own."""

    def check(value: str) -> str:
        _expect_known(value, known, own)
        return value

    schema: dict[str, Any] = {"enum": list(known)}
    if own:
        schema = {"anyOf": [schema, {"type": "string", "pattern": f"^{OWN.pattern}$"}]}
    return Annotated[str, AfterValidator(check), WithJsonSchema(schema)]


def _one_or_several_of(known: Collection[str]) -> Any:
    """A string type: names, or module:object of the user's own, with a space between them."""

    def check(value: str) -> str:
        for name in value.split(" "):
            _expect_known(name, known, own=True)
        return value

    word = f"({'|'.join([*known, OWN.pattern])})"
    patterns = (f"^{OWN.pattern}$", f"^{word}( {word})+$")
    options = [{"type": "string", "pattern": pattern} for pattern in patterns]
    schema = {"anyOf": [{"enum": list(known)}, *options]}
    return Annotated[str, AfterValidator(check), WithJsonSchema(schema)]


def _expect_known(name: str, known: Collection[str], own: bool) -> None:
    """Raise unless a name is one of those known, or the user's own where there may be one."""
    if name in known or (own and OWN.fullmatch(name)):
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    ours = ", or module:object of your own" if own else ""
    allowed = f"{', '.join(known)}{ours}{hint}"
    raise PydanticCustomError(
        "one_of", "{name} is not one of {allowed}", {"name": repr(name), "allowed": allowed}
    )


def _describe(registry: dict[str, Entry]) -> str:
    return "; ".join(f"{name}: {entry.description}" for name, entry in registry.items())


# ~ is the home folder, as on the command line.
OwnPath = Annotated[str, Field(min_length=1), AfterValidator(os.path.expanduser)]
DATASET_KINDS = ("digits", *ARCHIVES, "image_folder", "npz")


class Dataset(Block):
    """The first n images, pixels standardised, sorted by class."""

    kind: _one_of(DATASET_KINDS) = setting(
        ...,
        "Where images come from. digits: scikit-learn's 1,797 images of 8 x 8, embedded. "
        f"{', '.join(ARCHIVES)}: files under data_root. image_folder: a folder of your own, with a "
        "sub-folder of images for each class. npz: a file of your own, with NumPy arrays x "
        "(n, height, width) or (n, height, width, channels), bytes or numbers in [0, 1], and "
        "y (n,).",
    )
    n: int = setting(
        ...,
        "Training points, the first n; of an image_folder by file name, over all classes; numbers "
        "in names sort as numbers.",
        ge=2,
        le=10**7,
    )
    n_test: int = setting(
        0,
        "Test points, the first of the test part; where there is none (digits, image_folder "
        "without test_path, npz without x_test and y_test) those after the first n. They enter no "
        "figure.",
        ge=0,
        le=10**7,
    )
    path: OwnPath | None = setting(
        None,
        "The image_folder or npz file, seen from the folder that Snakemake works in. Its content "
        "counts, not its place.",
        counts=False,
    )
    test_path: OwnPath | None = setting(
        None,
        "An image_folder of test images, of the same classes.",
        counts=False,
    )
    size: int | None = setting(
        None,
        "Height and width that images of an image_folder are resized to. Without it all must have "
        "the same.",
        ge=1,
        le=10**4,
    )
    channels: Literal[1, 3] | None = setting(
        None,
        "Channels that images of an image_folder are converted to, 1 (grey) or 3 (colour). "
        "Without it, what the first image has.",
    )
    background: Literal["white", "black"] | None = setting(
        None,
        "What transparent pixels of an image_folder are laid over.",
        only_for=("kind", "image_folder"),
    )
    layout: Literal["channels_last", "channels_first"] | None = setting(
        None,
        "Order of the axes of npz images: (n, height, width, channels) or (n, channels, height, "
        "width). To be given unless the last axis alone has 1 or 3.",
        only_for=("kind", "npz"),
    )
    standardize_test: Literal["train", "own"] = setting(
        "train",
        "Standardise test pixels by the training points' statistics or by their own (the paper's "
        "code; D16).",
    )


# Keys of a data set that only some kinds have.
KINDS_OF_KEY = {
    "path": ("image_folder", "npz"),
    "test_path": ("image_folder",),
    "size": ("image_folder",),
    "channels": ("image_folder",),
    "background": ("image_folder",),
    "layout": ("npz",),
}

RELU = ("feature_map", "relu")
COS = ("feature_map", "cos")
WEIGHTS = ("feature_map", ("relu", "linear"))


class DeepRFM(Block):
    """Deep RFM (Algorithm 1). Defaults are the paper's."""

    beside: ClassVar[tuple[str, ...]] = ("name", "datasets")

    kernel: _one_or_several_of(KERNELS) = setting(
        "laplace",
        "Kernel of the predictor, of points x and z, their distance D and the bandwidth L. "
        f"{_describe(KERNELS)} "
        "(D13). Or module:object of your own. As many as there are layers, with a space between "
        "them, are one for each layer.",
    )
    feature_map: _one_of(FEATURE_MAPS) = setting(
        "relu", f"Random features. {_describe(FEATURE_MAPS)}.", label="features"
    )
    projection: _one_of(PROJECTIONS) = setting(
        "agop", f"What points are mapped by before the features. {_describe(PROJECTIONS)}."
    )
    depth: int = setting(20, "Layers.", ge=1, le=1000)
    bandwidth: float = setting(
        2.0,
        f"L of the kernel; {' and '.join(DOT_PRODUCT)} have none.",
        not_for=("kernel", DOT_PRODUCT),
        gt=0,
        le=1e9,
    )
    ridge: float = setting(
        0.0,
        "Added to the kernel matrix's diagonal. A Gaussian kernel needs some, 1e-3 (D5).",
        ge=0,
        le=1e9,
    )
    iterations: int = setting(1, "RFM iterations in a layer (D7).", ge=1, le=100)
    agop_norm: Literal["max", "mean", "sum", "trace"] = setting(
        "max",
        "Scale of the AGOP; it matters to cosine features, to a bias, and to any with several "
        "iterations (D6).",
        label="AGOP scale",
    )
    agop_share: float = setting(
        1.0,
        "Share of each class's points at which gradients are taken for the AGOP. Below 1 it is an "
        "estimate, faster with thousands of points, and good for about ten layers; the paper takes "
        "all.",
        label="AGOP points",
        gt=0,
        le=1,
    )
    width: int = setting(1024, "ReLU or linear features (D10).", only_for=WEIGHTS, ge=1, le=10**6)
    weight_dist: Literal["uniform", "gaussian"] = setting(
        "uniform",
        "Distribution of the ReLU or linear features' weights (D9).",
        label="weights",
        only_for=WEIGHTS,
    )
    feature_bias: float = setting(
        0.0,
        "Bias of the ReLU features: the value of one coordinate more that all points share, whose "
        "weight is drawn as the others. 0: no bias, as the paper. With it the scale of the AGOP "
        "matters.",
        label="bias",
        only_for=RELU,
        ge=0,
        le=1e9,
    )
    n_features: Annotated[int, Field(ge=1, le=10**6)] | Literal["input_dim"] = setting(
        4096,
        "Cosine features, a number or input_dim for as many as the layer's input has dimensions "
        "(D11).",
        label="features",
        only_for=COS,
    )
    gamma: float = setting(
        0.05,
        "Inverse width of the l1-Laplacian kernel, the paper's sigma (D11, D12).",
        label=r"$\gamma$",
        only_for=COS,
        gt=0,
        le=1e9,
    )
    precision: Literal["float64", "float32"] = setting(
        "float64",
        "Precision of the points as they go from layer to layer. Distances, the kernel matrix, its "
        "solution, the AGOP and its root are always in float64.",
    )
    block_rows: int = setting(
        4096,
        "Rows of an n x n array that are worked on at a time. One such array is held, in float64; "
        "fewer rows at a time take less memory beside it, and more time.",
        counts=False,
        ge=1,
        le=10**7,
    )


class Training(Block):
    """How a network is trained. Defaults are the paper's."""

    optimizer: Literal["sgd", "adam", "adamw"] = setting("sgd", "Optimizer.")
    learning_rate: float = setting(0.05, "Its step size.", gt=0, le=1e9)
    schedule: Literal["constant", "cosine", "steps"] = setting(
        "constant",
        "How the step size goes on, epoch by epoch. cosine: half a cosine down to 0; steps: times "
        "schedule_factor after a third of the epochs and again after two thirds.",
    )
    schedule_factor: float = setting(
        0.1, "What steps multiply by.", only_for=("schedule", "steps"), gt=0, le=1
    )
    weight_decay: float = setting(
        0.0,
        "Of all parameters. sgd and adam add it times the parameter to the gradient, as a penalty "
        "of half of it times the squared norm does; adamw shrinks parameters by it times the step "
        "size.",
        ge=0,
        le=1e3,
    )
    momentum: float = setting(0.0, "Momentum of SGD.", ge=0, lt=1)
    recreate_optimizer: bool = setting(
        True, "Make the optimizer anew each epoch, as the paper's code does (D19)."
    )
    batch_size: int = setting(128, "Points of a batch.", ge=1, le=10**7)
    epochs: int = setting(500, "Passes over the training points.", ge=1, le=10**6)
    measure_every: int = setting(
        10,
        "Epochs between measurements; the initialisation and the last epoch are measured always.",
        ge=1,
        le=10**6,
    )
    arithmetic: Literal["float32", "tf32", "bf16"] = setting(
        "float32",
        "Precision of the products in training steps. float32 is the paper's; tf32 rounds their "
        "factors to 10 bits, on a GPU only; bf16 computes in bfloat16 with weights, loss and "
        "optimizer in float32. Evaluation and measurements are in float32 always.",
    )


class _Head(Block):
    """What a network is, but for its training; its settings come before those of that."""

    model: Annotated[str, Field(pattern=NAME)] = setting(
        ...,
        f"What is before the head. {_describe(MODELS)}; or a name of your own, with a backbone.",
    )
    backbone: Annotated[str, Field(pattern=f"^{OWN.pattern}$")] | None = setting(
        None,
        "A backbone of your own, module:function; the function takes (channels, height, width) and "
        "returns a torch module from images to features. The module is looked for in the working "
        "folder. On a GPU a training step is captured as a CUDA graph and replayed, so that what "
        "the torch module does must not depend on values of tensors or on Python's state.",
    )
    hidden_layers: int = setting(5, "How many fully connected hidden layers.", ge=1, le=100)
    width: int = setting(512, "Width of the hidden layers.", ge=1, le=10**6)
    biases: bool = setting(
        False,
        "Whether hidden layers and readout have biases; they start from PyTorch's default.",
    )
    gain: float = setting(
        0.3,
        "Gain of the hidden layers' Xavier-uniform initialisation; behind a backbone the first "
        "keeps PyTorch's default (D18).",
        gt=0,
        le=1e9,
    )
    activation: _one_of(ACTIVATIONS, own=True) = setting(
        "relu",
        f"What follows each hidden layer's weights. {_describe(ACTIVATIONS)}. Or module:object of "
        "your own.",
    )
    loss: _one_of(LOSSES, own=True) = setting(
        "mse", f"What training descends. {_describe(LOSSES)}. Or module:object of your own."
    )


class Network(Training, _Head):
    """A network with fully connected hidden layers. Defaults are the paper's."""

    beside: ClassVar[tuple[str, ...]] = ("name", "datasets")


def _one_text(names: Any) -> Any:
    """Names of a list, in one text: what no name has in it tells them apart."""
    several = isinstance(names, list) and names and all(isinstance(name, str) for name in names)
    return " ".join(names) if several else names


LayerNames = Annotated[
    str,
    Field(min_length=1),
    BeforeValidator(_one_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string"}},
            ]
        }
    ),
]


class _OwnModule(Block):
    """What a network of one's own is, but for its training."""

    network: Annotated[str, Field(pattern=f"^{OWN.pattern}$")] = setting(
        ...,
        "module:function; the function takes the images' shape, (channels, height, width), and the "
        "number of classes, and returns a torch module from images to (n, classes) outputs. The "
        "module is looked for in the working folder. On a GPU a step of its training is captured "
        "as a CUDA graph and replayed, so that what the torch module does must not depend on "
        "values of tensors or on Python's state.",
    )
    checkpoint: OwnPath | None = setting(
        None,
        "Weights that it was trained to elsewhere, a state dict: .safetensors, or what torch.save "
        "wrote of network.state_dict(). Nothing in it is unpickled. {seed} in its path stands for "
        "the seed, where each has a file of its own. Its content counts, not its place. Without "
        "it, the network is trained here, for as many epochs as are given.",
        counts=False,
        swept=False,
    )
    layers: LayerNames = setting(
        "all",
        "Linear layers and 2-d convolutions to measure, by their names in the torch module, a list "
        "or a text with spaces between; all that images come to by default.",
        swept=False,
    )
    loss: _one_of(LOSSES, own=True) = setting(
        "cross_entropy",
        f"What training descends, or did. {_describe(LOSSES)}. Or module:object of your own.",
    )


class OwnNetwork(Training, _OwnModule):
    """A network of one's own, trained here or elsewhere, of which layers are measured."""

    beside: ClassVar[tuple[str, ...]] = ("name", "datasets")
    only_without: ClassVar[dict[str, tuple[str, ...]]] = {
        "checkpoint": tuple(Training.model_fields)
    }

    epochs: int | None = setting(
        None,
        "Passes over the training points, of a network without a checkpoint; to be given.",
        ge=1,
        le=10**6,
    )


class Features(Block):
    """Which points `snakemake features` writes, as files for other programs."""

    epochs: Literal["last", "all"] | list[Annotated[int, Field(ge=0)]] = setting(
        "last", "Epochs of networks: the last, all that are measured, or some of these."
    )
    layers: Literal["all"] | list[Annotated[int, Field(ge=0)]] = setting(
        "all",
        "Layers, all or some. Of a network 0 is what its head begins at, and the one after the "
        "hidden layers its outputs.",
    )


class TheoryKernel(Block):
    """The simulation of what ReLU features do to distances (Proposition A.1; v1_fig04)."""

    width: int = setting(1024, "ReLU features.", ge=1, le=10**6)
    draws: int = setting(100, "Random feature maps to average over.", ge=2, le=10**6)


def _each_once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("each_once", "must not hold anything twice")
    return values


def _some(of: Any) -> Any:
    """A list type: one value or more, each once."""
    once = Field(min_length=1, json_schema_extra={"uniqueItems": True})
    return Annotated[list[of], once, AfterValidator(_each_once)]


_Lambda = Annotated[float, Field(gt=0, le=1e6)]
_Classes = Annotated[int, Field(ge=2, le=100)]


class Theory(Block):
    """What the paper's theorems are computed at (figures theory_recursion, ...)."""

    classes: int = setting(5, "Classes of the recursion of Theorem 5.3.", ge=2, le=100)
    per_class: int = setting(20, "Its points of each class.", ge=2, le=1000)
    layers: int = setting(30, "Its layers, the data's among them.", ge=3, le=1000)
    lambda_map: _some(_Lambda) = setting(
        [0.3, 1.0, 3.0], "What random features add to the diagonal of the points' Gram matrix."
    )
    ratios: _some(_Lambda) = setting(
        [1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0],
        "lambda_k over lambda_map, lambda_k being what the kernel adds. Two at most 0.01 give the "
        "floor of the error a slope.",
    )
    objective_classes: _some(_Classes) = setting(
        [3, 10], "Numbers of classes that Theorem 5.4's objective is computed for."
    )
    objective_per_class: int = setting(4, "Its points of each class.", ge=1, le=100)
    ridges: _some(_Lambda) = setting([0.1, 1.0], "Its ridges mu.")
    random_kernels: int = setting(
        50, "Random feasible kernels of each family that it is compared over.", ge=1, le=10**5
    )
    descent_steps: int = setting(300, "Steps of gradient descent over kernels.", ge=1, le=10**6)
    widths: _some(Annotated[int, Field(ge=1, le=10**6)]) = setting(
        [64, 256, 1024, 4096], "Random features that Proposition A.1 is simulated with."
    )
    draws: int = setting(200, "Random feature maps of each width.", ge=2, le=10**6)


def _check_filter(wanted: dict[str, Any]) -> dict[str, Any]:
    """A filter that says something: of each key a value, or several."""
    for key, value in wanted.items():
        options = value if isinstance(value, list) else [value]
        if not options or not all(isinstance(option, SCALARS) for option in options):
            raise PydanticCustomError(
                "filter", "{key} must be a value or a list of values", {"key": key}
            )
    return wanted


SCALARS = (bool, int, float, str)
_VALUE = {"type": ["boolean", "number", "string"]}
Filter = Annotated[
    dict[str, Any],
    Field(min_length=1),
    AfterValidator(_check_filter),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "anyOf": [_VALUE, {"type": "array", "minItems": 1, "items": _VALUE}]
            },
        }
    ),
]


class FigureSettings(Block):
    """Options of one figure; a figure of the paper needs none."""

    plot: str | None = setting(
        None, "Kind of plot. A figure of the paper has its own; one of any other name must say it."
    )
    rows: list[Filter] | None = setting(
        None,
        "Rows of the figure (of a sweep its panels), each a filter on the runs: any setting, run, "
        "dataset, or study for another study's runs. A list of values lets any of them pass. As "
        "the paper's figure by default; all runs for one of your own.",
        min_length=1,
    )
    lines: list[Filter] | None = setting(
        None, "Lines of an overlay, each a filter on the runs as in rows.", min_length=1
    )
    layers: list[Annotated[int, Field(ge=1)]] | None = setting(
        None,
        "Layers to show. Of a Gram figure in the paper's counting: 1 is the input, l the points "
        f"after l - 1 projections (D29); by default the paper's "
        f"{', '.join(map(str, PAPER_LAYERS))}, or as many spread over a run that is less deep.",
        min_length=1,
    )
    pixels: Literal["points", "means"] | None = setting(
        None,
        "Of a Gram figure: points, each pixel a pair of points of a sample of each class (the "
        "default); means, over pairs of groups of all points, which hides their spread.",
    )
    x: str | None = setting(
        None, "Of a sweep the setting on the x axis; of an overlay layer or epoch."
    )
    y: str | None = setting(
        None, "What is measured, a column of the tables: nc1, nc2, nfa, train_loss, ..."
    )
    by: str | None = setting(
        None, "Setting or column that tells the lines of a sweep apart; dataset by default."
    )
    stage: str | None = setting(
        None,
        "Where it is measured: X, MX, PhiMX of Deep RFM (MX by default); input, right, full of a "
        "network (full by default; right of one's own).",
    )
    layer: Annotated[int, Field(ge=1)] | Literal["last"] | None = setting(
        None, "Layer at which it is measured, last by default."
    )
    epoch: Annotated[int, Field(ge=0)] | Literal["last"] | None = setting(
        None,
        "Epoch at which it is measured, last by default; of network_layers of a single network "
        "that is trained here, some from the initialisation to the last.",
    )
    nc2: Literal["nc2", "nc2_over_k2"] | None = setting(
        None, "NC2 as the Frobenius norm, or that over K^2 as in the earlier version (D3)."
    )
    title: str | None = setting(None, "Title above the figure.")
    footer: bool = setting(True, "Whether a line below says what the figure was made of.")
    size: list[Annotated[float, Field(gt=0, le=50)]] | None = setting(
        None, "Width and height in inches.", min_length=2, max_length=2
    )


class StudySettings(Block):
    """What a study has besides its data sets, runs and figures."""

    description: str = setting("", "One line for readers.", counts=False)
    seeds: list[Annotated[int, Field(ge=0, le=LARGEST_SEED)]] = setting(
        [0, 1, 2],
        "Seeds of the random features, initialisations and batches; error bars are over them.",
        min_length=1,
    )
    class_weighting: Literal["samples", "classes"] = setting(
        "samples",
        "Of classes of different sizes: whether in the covariance within classes each counts by "
        "its points, as in the paper, or like any other.",
    )
    torch_threads: int = setting(
        1,
        "Threads of each job. The last bits of a float64 product depend on their number, so it "
        "belongs to the study, not to the machine; more jobs run side by side with fewer threads "
        "each.",
        ge=1,
        le=1024,
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto",
        "auto: a GPU for each costly job, where there is one; cpu: none, so that results are the "
        "same on a machine with a GPU; cuda: a GPU, or an error; mps: Apple's for the passes of "
        "networks, and the CPU for all that is in float64.",
    )
    keep: Literal["all", "tables"] = setting(
        "all",
        "What stays on disk once runs were measured. tables: no layers and no weights; what asks "
        "for them later makes them again. Results are the same.",
        counts=False,
    )


RUN_KINDS: dict[str, type[Block]] = {
    "deep_rfm": DeepRFM,
    "networks": Network,
    "own_networks": OwnNetwork,
}
