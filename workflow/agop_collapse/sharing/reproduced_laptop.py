"""The numbers of docs/reproduced.md from the reference of the study laptop."""

from collections.abc import Mapping

import pandas as pd

from .chosen import at_the_end, projected
from .markdown import number, table

LAYERS = [1, 2, 5, 10, 15, 20]
RUN = ["dataset", "run"]
DATASETS = {"mnist": "MNIST", "cifar10": "CIFAR-10", "svhn": "SVHN"}
Tables = Mapping[str, pd.DataFrame]


def blocks(tables: Tables, ledger: pd.DataFrame) -> dict[str, str]:
    """What stands in the page, by name."""
    return {
        "laptop_collapse": collapse(tables),
        "laptop_networks": networks(tables),
        "laptop_claims": claims(ledger),
    }


def collapse(tables: Tables) -> str:
    """NC1 and NC2 of M^1/2 X over the layers of Deep RFM, means over the seeds."""
    frame = projected(tables["deep_rfm"])
    means = frame[frame["valid"]].groupby(["dataset", "run", "layer"])[["nc1", "nc2"]].mean()
    rows = [
        [
            name,
            f"`{run}`",
            measure.upper(),
            *(_at(of_run[measure], layer) for layer in [0, *LAYERS]),
        ]
        for dataset, name in DATASETS.items()
        for run, of_run in means.loc[dataset].groupby("run")
        for measure in ("nc1", "nc2")
    ]
    header = ["data set", "run", "", "data", *(f"layer {layer}" for layer in LAYERS)]
    return table(header, rows)


def _at(values: pd.Series, layer: int) -> str:
    """One layer's; a dash where no seed's is to be trusted."""
    found = values[values.index.get_level_values("layer") == layer]
    return "-" if found.empty else number(found.iloc[0])


def networks(tables: Tables) -> str:
    """Each trained network at its end: accuracy, NC1, what S V^T makes of its fall, the ansatz."""
    points = at_the_end(tables["network_nc"]).query("stage == 'full'")
    last = points[points["layer"] == points.groupby(RUN)["layer"].transform("max")]
    shares = at_the_end(tables["network_attribution"]).groupby([*RUN, "seed"]).first()
    found = last.groupby(RUN)[["nc1", "nc2"]].mean()
    found["accuracy"] = at_the_end(tables["network_training"]).groupby(RUN)["train_accuracy"].mean()
    found["share"] = shares.groupby(RUN)["total_share_linear"].mean()
    found = found.join(tables["nfa_summary"].set_index(RUN))
    rows = [
        [
            name,
            f"`{run}`",
            f"{each.accuracy:.1%}",
            number(each.nc1),
            number(each.nc2),
            f"{each.share:.0%}",
            f"{each.nfa_mean:.2f} ± {each.nfa_sd:.2f}",
            f"{each.nfa_init_mean:.2f}",
            "" if pd.isna(each.paper_mean) else f"{each.paper_mean:.2f} ± {each.paper_sd:.2f}",
        ]
        for dataset, name in DATASETS.items()
        for run, each in found.loc[dataset].iterrows()
    ]
    header = ["data set", "network", "accuracy", "NC1", "NC2", "share of S Vᵀ", "NFA", "untrained"]
    return table([*header, "NFA, paper"], rows)


def claims(ledger: pd.DataFrame) -> str:
    """The ledger: each claim that was measured with its verdict, of failures the first."""
    ledger = ledger.fillna("")
    measured = ledger[ledger["verdict"] != "not_measured"]
    verdicts = measured["verdict"].str.replace("_", " ")
    first = measured["why"].str.split("; ").str[0]
    rows = [
        [*each, verdict, why]
        for each, verdict, why in zip(
            measured[["id", "claim", "measured"]].to_numpy(), verdicts, first, strict=True
        )
    ]
    others = ", ".join(ledger.loc[ledger["verdict"] == "not_measured", "id"])
    listed = table(["id", "claim", "measured", "verdict", "of how many"], rows)
    return f"{listed}\n\nNot measured by this study: {others}."
