"""What each figure draws: a kind of plot, and the runs that are its rows.

Pure data, without torch: the Snakefile reads it to plan a figure's runs, and only those.
"""

from dataclasses import dataclass, field

# Columns that name a run in the tables and in its path; the seed comes beside them.
DEEP_RFM_COLUMNS = ("dataset", "kernel", "feature_map", "projection")
NETWORK_COLUMNS = ("dataset", "model")

# What readers see; any other name stays as it is.
NAMES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "svhn": "SVHN",
    "mlp": "MLP",
    "resnet18": "ResNet18",
    "vgg11": "VGG-11",
    "laplace": "Laplace",
    "gaussian": "Gaussian",
    "relu": "ReLU",
    "identity": "$M = I$",
}

# Networks that need no backbone from the user; `networks.BACKBONES` has their functions.
MODELS = ("mlp", "resnet18", "vgg11")


@dataclass(frozen=True)
class Plot:
    """A kind of plot, drawn by the module of its name in `plots`.

    tables : the runs' tables that it is drawn from
    columns : the columns that name a row of it (the ablation compares both projections); none where
        the tables are of the study as a whole
    all_seeds : whether it shows the spread over seeds, or the first seed
    """

    tables: tuple[str, ...]
    columns: tuple[str, ...]
    all_seeds: bool = True


PLOTS = {
    "ablation": Plot(("deep_rfm",), ("dataset", "kernel", "feature_map")),
    "ansatz": Plot(("network_nc", "network_nfa", "network_training"), NETWORK_COLUMNS),
    "decomposition": Plot(("network_nc", "network_training"), NETWORK_COLUMNS),
    "deep_rfm_curves": Plot(("deep_rfm",), DEEP_RFM_COLUMNS),
    "gram": Plot(("gram_picture",), DEEP_RFM_COLUMNS, all_seeds=False),
    "nfa_null": Plot(("network_nfa", "network_training"), NETWORK_COLUMNS),
    "theory_kernel": Plot(("theory_kernel",), ()),
}


@dataclass(frozen=True)
class Figure:
    """One figure of the paper.

    plot : a kind of plot
    rows : filters on the runs' columns; the runs that pass one, seeds aside, are rows of the figure
    options : what this figure shows otherwise than its plot does by default
    """

    plot: str
    rows: tuple[dict[str, str], ...] = ()
    options: dict[str, str] = field(default_factory=dict)


_RELU = {"feature_map": "relu", "projection": "agop"}
_COS = {"feature_map": "cos", "projection": "agop"}
_MLP = {"model": "mlp"}
_RESNET18 = {"model": "resnet18"}
_VGG11 = {"model": "vgg11"}

FIGURES = {
    "fig01": Figure("gram", (_COS, _RELU)),
    "fig02": Figure("decomposition", (_MLP, _RESNET18)),
    "fig03": Figure("deep_rfm_curves", (_RELU,)),
    "fig04": Figure("deep_rfm_curves", (_COS,)),
    "fig05": Figure("gram", (_COS,)),
    "fig06": Figure("gram", (_RELU,)),
    "fig07": Figure("decomposition", (_MLP,)),
    "fig08": Figure("decomposition", (_RESNET18,)),
    "fig09": Figure("decomposition", (_VGG11,)),
    "fig10": Figure("ansatz", (_MLP,)),
    "fig11": Figure("ansatz", (_RESNET18,)),
    "fig12": Figure("ansatz", (_VGG11,)),
    # Figures of the earlier version (arXiv v1) that show something else.
    "v1_fig01": Figure("decomposition", (_MLP,)),
    "v1_fig02": Figure("gram", (_RELU,), {"stage": "X"}),
    "v1_fig03": Figure("deep_rfm_curves", (_RELU,), {"nc2": "nc2_over_k2"}),
    "v1_fig04": Figure("theory_kernel"),
    "v1_fig05": Figure("deep_rfm_curves", (_RELU,), {"nc2": "nc2_over_k2"}),
    "v1_fig06": Figure("deep_rfm_curves", (_RELU,), {"nc2": "nc2_over_k2"}),
    "v1_fig07": Figure("decomposition", (_MLP,)),
    "v1_fig08": Figure("ansatz", (_MLP,)),
    "nfa_null": Figure("nfa_null", (_MLP,)),
    "ablation": Figure("ablation", ({"projection": "identity"},)),
}


def figures_of(plot: str) -> list[str]:
    """Names of the figures of one kind of plot."""
    return [name for name, figure in FIGURES.items() if figure.plot == plot]
