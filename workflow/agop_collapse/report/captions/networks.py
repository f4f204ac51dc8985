"""Captions of figures of networks in training, and of networks of one's own."""

import pandas as pd

from ...plots.select import has_run, only_run, select_last, select_part, select_run
from ..plain import number, percent
from .caption import (
    Caption,
    Row,
    Tables,
    at_end,
    at_start,
    by_row,
    caption,
    from_to,
    if_fitted,
    mean,
    seeds_of,
)
from .deep_rfm import generalisation

EPOCHS = "against the epoch"


def decomposition(tables: Tables, rows: list[Row]) -> Caption:
    """NC1 through the layers at the end, and the share of S V^T in its fall."""

    def tell(run: dict) -> str:
        points = at_end(tables, "network_nc", run)
        text = f"at the end of training NC1 {_through(points, 'nc1')}"
        if not has_run(tables, "network_attribution", run):
            return text
        # Of all layers of a seed: the same number in each of its rows.
        totals = at_end(tables, "network_attribution", run).groupby("seed").first()
        share = totals["total_share_linear"].mean(skipna=False)
        return f"{text}, {percent(share)} of the change of its logarithm being due to S Vᵀ"

    return caption(
        "NC1 of the input Φ(X) of each hidden layer, behind S Vᵀ of its weight, and of its output, "
        f"in training; {seeds_of(tables, 'network_nc', rows)}",
        f"A panel for each hidden layer of each run: NC1 on a logarithmic axis {EPOCHS}, a line "
        "for the layer's input, for its right factor and for its output",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def network_nc2(tables: Tables, rows: list[Row]) -> Caption:
    """NC2 through the layers at the end."""

    def tell(run: dict) -> str:
        return f"at the end of training NC2 {_through(at_end(tables, 'network_nc', run), 'nc2')}"

    return caption(
        "NC2 of the input Φ(X) of each hidden layer, behind S Vᵀ of its weight, and of its output, "
        f"in training; {seeds_of(tables, 'network_nc', rows)}",
        f"A panel for each hidden layer of each run: NC2 {EPOCHS}, a line for the layer's input, "
        "for its right factor and for its output",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def _through(points: pd.DataFrame, measure: str) -> str:
    """A measure of what goes into the first layer and of what comes out of the last."""
    first, last = points["layer"].min(), points["layer"].max()
    before = mean(points, measure, layer=first, stage="input")
    behind = mean(points, measure, layer=last, stage="full")
    return f"{from_to(before, behind)} between layer {first}'s input and layer {last}'s output"


def network_nc_full(tables: Tables, rows: list[Row]) -> Caption:
    """NC1 and NC4 of training and test points at the end, behind the last hidden layer."""

    def tell(run: dict) -> str:
        points = select_part(at_end(tables, "network_nc", run), "stage", "full")
        layer = points["layer"].max()
        readout = at_end(tables, "network_readout", run)
        agrees = f"the readout decides as the nearest mean for {percent(mean(readout, 'nc4'))}"
        if readout["nc4_test"].notna().any():
            agrees += f" of training and {percent(mean(readout, 'nc4_test'))} of test points"
        measured = generalisation(points[points["layer"] == layer])
        return f"at the output of layer {layer}, {measured}; {agrees}"

    return caption(
        "NC1 to NC4 of training and test points at the end of training; "
        f"{seeds_of(tables, 'network_nc', rows)}",
        "Four panels a run against the layer: NC1 on a logarithmic axis, NC2, principal cosines of "
        "weights and class means, and accuracy of the nearest class mean",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def network_spectrum(tables: Tables, rows: list[Row]) -> Caption:
    """Effective ranks of the last layer, from the initialisation to the end."""

    def tell(run: dict) -> str:
        start, end = (at(tables, "network_ranks", run) for at in (at_start, at_end))
        layer = end["layer"].max()
        ranks = []
        for of, name in (("weight", "W"), ("agop", "the AGOP"), ("features", "the features")):
            ends = (mean(part, f"{of}_effective_rank", layer=layer) for part in (start, end))
            ranks.append(f"of {name} {from_to(*ends)}")
        return f"in training the effective rank of layer {layer} {', '.join(ranks)}"

    return caption(
        "Spectra of weights, AGOPs and features at the end of training, and how many dimensions "
        f"they fill; {seeds_of(tables, 'network_ranks', rows)}",
        "Three lines of panels a run, for W, the AGOP and the features' covariance: spectra with "
        f"logarithmic axes, ranks against the layer, effective rank {EPOCHS}",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def ansatz(tables: Tables, rows: list[Row]) -> Caption:
    """The neural feature ansatz over layers and seeds at the end, and the train loss."""

    def tell(run: dict) -> str:
        start, end = (at(tables, "network_nfa", run)["nfa"] for at in (at_start, at_end))
        loss = mean(at_end(tables, "network_training", run), "train_loss")
        return (
            f"the correlation ends at {number(end.mean(skipna=False))} ± "
            f"{number(end.std(ddof=1))} (mean and sd over layers and seeds), from "
            f"{number(start.mean(skipna=False))} at the initialisation, with a train loss of "
            f"{number(loss)}"
        )

    return caption(
        "Variability of the last hidden layer's output, neural feature ansatz (correlation of WᵀW "
        "with the root of the AGOP) and train loss in training; "
        f"{seeds_of(tables, 'network_nfa', rows)}",
        f"Three panels a run {EPOCHS}: traces of the covariances within and between classes, "
        "correlation of each layer, and train loss on a logarithmic axis",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def nfa_null(tables: Tables, rows: list[Row]) -> Caption:
    """The ansatz and its baselines at the end, over layers and seeds."""
    baselines = {
        "nfa_init": "at the initialisation",
        "nfa_independent": "with the AGOP of an untrained network",
        "nfa_independent_trained": "with that of another seed's network",
    }

    def tell(run: dict) -> str:
        end = at_end(tables, "network_nfa", run)
        parts = [
            f"{number(end[column].mean(skipna=False))} {name}"
            for column, name in baselines.items()
            if end[column].notna().any()
        ]
        nfa = number(end["nfa"].mean(skipna=False))
        return f"at the end of training the mean correlation is {nfa}, beside {', '.join(parts)}"

    return caption(
        "Correlation of WᵀW with the root of the AGOP beside what it is without learning; "
        f"{seeds_of(tables, 'network_nfa', rows)}",
        f"A panel for each layer of each run: correlation {EPOCHS}, with lines for its baselines",
        by_row(rows, lambda row: if_fitted(tables, row, tell)),
    )


def network_layers(
    tables: Tables, rows: list[Row], stage: str = "right", epochs: list[int] | None = None
) -> Caption:
    """NC1 at the first and last layer of a network of one's own, and the ansatz over its layers.

    Of several epochs the last one's.
    """

    def tell(row: Row) -> str:
        run = select_run(tables, "network_layers", only_run(row))
        run = select_part(run, "epoch", epochs[-1]) if epochs else select_last(run, "epoch")
        if not run["fitted"].astype(bool).all():
            loss = mean(run.groupby("seed").head(1), "train_loss")
            return f"not fitted (train loss {number(loss)}), and no number is given"
        points = select_part(run, "stage", stage)
        names = points.sort_values("layer")["layer_name"]
        first, last = points["layer"].min(), points["layer"].max()
        nc1 = [mean(points, "nc1", layer=layer) for layer in (first, last)]
        nfa = points["nfa"].mean(skipna=False)
        return (
            f"NC1 {from_to(*nc1)} from {names.iloc[0]} to {names.iloc[-1]}, and the mean "
            f"correlation of WᵀW with the root of the AGOP is {number(nfa)}"
        )

    return caption(
        "Collapse and neural feature ansatz at named layers of trained networks; "
        f"{seeds_of(tables, 'network_layers', rows)}",
        "Three panels against the layer: NC1, NC2 and the correlation of WᵀW with the root of the "
        f"AGOP, a line for each {'epoch' if len(epochs or ()) > 1 else 'network'}",
        by_row(rows, tell),
    )
