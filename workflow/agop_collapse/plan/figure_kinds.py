"""The kinds of figures, and the paper's figures as instances of them."""

from dataclasses import dataclass, field
from typing import Any

from .figure_rows import (
    RowMaker,
    ablation_rows,
    curve_rows,
    gram_rows,
    no_rows,
    one_run_a_row,
    spectrum_rows,
)
from .measure_rows import layer_rows, overlay_rows, sweep_rows


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure, drawn by the module of its name in `plots`.

    description : for the documentation
    draws : the kind of its runs; None where the figure tells by what it names
    tables : of each run, that it is drawn from; of the study as a whole where it shows no runs
    options : keys of a figure's block that it takes besides plot, title, footer and size
    rows : makes its rows
    all_seeds : whether it shows the spread over seeds, or the smallest seed
    """

    description: str
    draws: str | None
    tables: tuple[str, ...] = ()
    options: tuple[str, ...] = ("rows",)
    rows: RowMaker = one_run_a_row
    all_seeds: bool = True


NETWORK_TABLES = ("network_nc", "network_training")
WHERE_MEASURED = ("x", "y", "stage", "layer", "epoch")

FIGURE_KINDS = {
    "deep_rfm_curves": FigureKind(
        "NC1 and NC2 of Deep RFM against the layer",
        "deep_rfm",
        ("deep_rfm",),
        ("rows", "nc2"),
        curve_rows,
    ),
    "gram": FigureKind(
        "Gram matrices of Deep RFM's points",
        "deep_rfm",
        ("gram_picture", "classes", "deep_rfm"),
        ("rows", "layers", "pixels"),
        gram_rows,
        all_seeds=False,
    ),
    "ablation": FigureKind(
        "Deep RFM with the AGOP beside Deep RFM without",
        "deep_rfm",
        ("deep_rfm",),
        rows=ablation_rows,
    ),
    "spectrum": FigureKind(
        "eigenvalues of the AGOP, layer by layer",
        "deep_rfm",
        ("agop_spectrum", "deep_rfm"),
        ("rows", "layers"),
        spectrum_rows,
        all_seeds=False,
    ),
    "accuracy": FigureKind(
        "accuracy of Deep RFM's predictors against the layer",
        "deep_rfm",
        ("deep_rfm", "predictor"),
    ),
    "nc_full": FigureKind(
        "NC1, NC2 and nearest-centre accuracy of training and test points of Deep RFM against the "
        "layer",
        "deep_rfm",
        ("deep_rfm",),
    ),
    "decomposition": FigureKind(
        "NC1 of the parts of a network's layers against the epoch", "networks", NETWORK_TABLES
    ),
    "network_nc2": FigureKind(
        "NC2 of the parts of a network's layers against the epoch", "networks", NETWORK_TABLES
    ),
    "network_nc_full": FigureKind(
        "NC1 to NC4 of training and test points of a network against the layer",
        "networks",
        ("network_nc", "network_readout", "network_ranks", "network_training"),
    ),
    "network_spectrum": FigureKind(
        "spectra and ranks of a network's weights, AGOPs and features",
        "networks",
        ("network_spectrum", "network_ranks", "network_training"),
    ),
    "ansatz": FigureKind(
        "variability, neural feature ansatz and loss of a network against the epoch",
        "networks",
        ("network_nc", "network_nfa", "network_training"),
    ),
    "nfa_null": FigureKind(
        "the neural feature ansatz beside its baselines",
        "networks",
        ("network_nfa", "network_training"),
    ),
    "network_layers": FigureKind(
        "collapse and neural feature ansatz at named layers of networks of one's own",
        "own_networks",
        ("network_layers",),
        ("rows", "stage", "epoch"),
        layer_rows,
    ),
    "sweep": FigureKind(
        "a measure against a setting",
        None,
        (),
        ("rows", *WHERE_MEASURED, "by"),
        sweep_rows,
    ),
    "overlay": FigureKind(
        "a measure of several runs in one panel, against layer or epoch",
        None,
        (),
        (*WHERE_MEASURED, "lines"),
        overlay_rows,
    ),
    "theory_kernel": FigureKind(
        "what ReLU features do to distances", None, ("theory_kernel",), (), no_rows
    ),
    "theory_recursion": FigureKind(
        "error and NC1 over the layers of Theorem 5.3", None, ("theory_recursion",), (), no_rows
    ),
    "theory_rate": FigureKind(
        "rate and floor of Theorem 5.3's error", None, ("theory_rate",), (), no_rows
    ),
    "theory_objective": FigureKind(
        "Theorem 5.4's objective of many kernels", None, ("theory_objective",), (), no_rows
    ),
    "theory_layers": FigureKind(
        "what the theorems speak of, along the layers of Deep RFM",
        "deep_rfm",
        ("theory_layers", "deep_rfm"),
    ),
    "random_features": FigureKind(
        "mean and variance of products of random features",
        None,
        ("theory_random_features",),
        (),
        no_rows,
    ),
}


@dataclass(frozen=True)
class PaperFigure:
    """One figure of the paper.

    kind : a kind of figure
    rows : filters on the runs; the runs that pass one, seeds aside, are rows of the figure
    defaults : what it shows otherwise than its kind does
    """

    kind: str
    rows: tuple[dict[str, Any], ...] = ()
    defaults: dict[str, Any] = field(default_factory=dict)


_RELU = {"feature_map": "relu", "projection": "agop"}
_COS = {"feature_map": "cos", "projection": "agop"}
_MLP = {"model": "mlp"}
_RESNET18 = {"model": "resnet18"}
_VGG11 = {"model": "vgg11"}
_V1 = {"nc2": "nc2_over_k2"}

PAPER_FIGURES = {
    "fig01": PaperFigure("gram", (_COS, _RELU)),
    "fig02": PaperFigure("decomposition", (_MLP, _RESNET18)),
    "fig03": PaperFigure("deep_rfm_curves", (_RELU,)),
    "fig04": PaperFigure("deep_rfm_curves", (_COS,)),
    "fig05": PaperFigure("gram", (_COS,)),
    "fig06": PaperFigure("gram", (_RELU,)),
    "fig07": PaperFigure("decomposition", (_MLP,)),
    "fig08": PaperFigure("decomposition", (_RESNET18,)),
    "fig09": PaperFigure("decomposition", (_VGG11,)),
    "fig10": PaperFigure("ansatz", (_MLP,)),
    "fig11": PaperFigure("ansatz", (_RESNET18,)),
    "fig12": PaperFigure("ansatz", (_VGG11,)),
    # Figures of the earlier version (arXiv v1) that show something else.
    "v1_fig01": PaperFigure("decomposition", (_MLP,)),
    "v1_fig02": PaperFigure("gram", (_RELU,), {"stage": "X"}),
    "v1_fig03": PaperFigure("deep_rfm_curves", (_RELU,), _V1),
    "v1_fig04": PaperFigure("theory_kernel"),
    "v1_fig05": PaperFigure("deep_rfm_curves", (_RELU,), _V1),
    "v1_fig06": PaperFigure("deep_rfm_curves", (_RELU,), _V1),
    "v1_fig07": PaperFigure("decomposition", (_MLP,)),
    "v1_fig08": PaperFigure("ansatz", (_MLP,)),
    # The project's own.
    "nfa_null": PaperFigure("nfa_null", (_MLP,)),
    "network_nc2": PaperFigure("network_nc2", (_MLP,)),
    "network_nc_full": PaperFigure("network_nc_full", (_MLP,)),
    "network_spectrum": PaperFigure("network_spectrum", (_MLP,)),
    "nc_full": PaperFigure("nc_full", (_RELU,)),
    "spectrum": PaperFigure("spectrum", (_RELU,)),
    "accuracy": PaperFigure("accuracy", (_RELU,)),
    "ablation": PaperFigure("ablation", ({"projection": "identity"},)),
    "theory_recursion": PaperFigure("theory_recursion"),
    "theory_rate": PaperFigure("theory_rate"),
    "theory_objective": PaperFigure("theory_objective"),
    "theory_layers": PaperFigure("theory_layers", (_RELU,)),
    "random_features": PaperFigure("random_features"),
}
