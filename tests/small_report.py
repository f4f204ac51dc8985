"""Small tables whose numbers can be told by hand, and a page of them."""

import io
import itertools

import numpy as np
import pandas as pd
from agop_collapse.report import recorded
from agop_collapse.report.captions.caption import Caption
from agop_collapse.report.embedded import data_address
from agop_collapse.report.figures import Figure
from agop_collapse.report.listing import listing
from agop_collapse.report.page import Report
from agop_collapse.report.run_settings import by_kind
from agop_collapse.report.walk import walk
from matplotlib.figure import Figure as Drawing

RUN = {"study": "mine", "dataset": "digits", "run": "laplace-relu-agop"}
KIND = {"kernel": "laplace", "feature_map": "relu", "projection": "agop"}
NETWORK = {"study": "mine", "dataset": "digits", "run": "mlp", "model": "mlp"}
DEPTH = 3
SEEDS = (0, 1)
# A name as an attacker, or a careless user, may choose it.
NASTY = "<script>document.title='broken'</script>\"'&"


def make_deep_rfm(run: dict = RUN, kind: dict = KIND, fall: float = 10.0) -> pd.DataFrame:
    """NC1 of stage X is 1, 1 / fall, ... over layers, of MX half of it; of seed 1 three times."""
    records = []
    for seed, layer, stage in itertools.product(SEEDS, range(1, DEPTH + 1), ("X", "MX", "PhiMX")):
        size = {"X": 1.0, "MX": 0.5, "PhiMX": 0.8}[stage] * fall ** (1 - layer) * (1 + 2 * seed)
        records.append(
            run
            | {"seed": seed}
            | kind
            | {"layer": layer, "stage": stage, "nc1": size, "nc2": 2 * size, "nc2_mse": size}
            | {"nc1_test_own": 2 * size, "nc1_test_strong": 3 * size}
            | {"centre_accuracy": 1.0, "test_centre_accuracy": 0.875}
            | {"train_accuracy": 1.0, "test_accuracy": 0.5 + layer / 10}
            | {"agop_effective_rank": 40.0 / layer, "valid": True}
        )
    return pd.DataFrame(records)


def make_networks() -> dict[str, pd.DataFrame]:
    """Two hidden layers at the epochs 0 and 10; the second seed's numbers are twice the first's."""
    nc, nfa, training, attribution, readout, ranks = [], [], [], [], [], []
    for seed, epoch in itertools.product(SEEDS, (0, 10)):
        run = NETWORK | {"seed": seed, "epoch": epoch}
        by = (1 + seed) * (1 if epoch == 0 else 0.1)
        training.append(run | {"train_loss": by, "fitted": epoch == 10})
        readout.append(run | {"nc4": 1.0, "nc4_test": 0.75})
        for layer in (1, 2):
            at = run | {"layer": layer}
            attribution.append(at | {"total_share_linear": 0.6})
            nfa.append(
                at
                | {"nfa": 0.1 * layer + 0.2 * seed + epoch / 100, "nfa_init": 0.1}
                | {"nfa_independent": 0.2, "nfa_independent_trained": 0.3}
            )
            ranks.append(
                at
                | {f"{of}_effective_rank": by * 10 * layer for of in ("weight", "agop", "features")}
            )
            for stage, part in (("input", 4.0), ("right", 2.0), ("full", 1.0)):
                size = by * part / layer
                nc.append(
                    at
                    | {"stage": stage, "nc1": size, "nc2": size / 2, "nc1_test_own": 2 * size}
                    | {"nc1_test_strong": 3 * size, "centre_accuracy": 0.5}
                    | {"test_centre_accuracy": 0.25}
                )
    made = {"network_nc": nc, "network_nfa": nfa, "network_training": training}
    made |= {"network_attribution": attribution, "network_readout": readout}
    return {name: pd.DataFrame(rows) for name, rows in (made | {"network_ranks": ranks}).items()}


def make_tables() -> dict[str, pd.DataFrame]:
    """All that the captions of Deep RFM and of networks read."""
    deep_rfm = make_deep_rfm()
    other = RUN | {"run": "laplace-relu-identity"}
    ablated = make_deep_rfm(other, KIND | {"projection": "identity"}, fall=0.5)
    last = deep_rfm[(deep_rfm["layer"] == DEPTH) & (deep_rfm["stage"] == "X")]
    gram = [
        RUN
        | {"seed": seed}
        | KIND
        | {"layer": layer, "applied_layer": layer - 1, "within_mean": 1 - 0.5 / layer}
        | {"within_sd": 0.25, "between_mean": -0.2 / layer, "between_sd": 0.125}
        for seed, layer in itertools.product(SEEDS, range(1, DEPTH + 2))
    ]
    classes = [RUN | {"seed": seed} | KIND | {"class": k} for seed in SEEDS for k in range(5)]
    return {
        "deep_rfm": pd.concat([deep_rfm, ablated], ignore_index=True),
        "predictor": last.assign(final_test_accuracy=0.9, final_train_accuracy=1.0),
        "gram": pd.DataFrame(gram),
        "classes": pd.DataFrame(classes),
        **make_networks(),
    }


def make_pictures(size: int = 20) -> pd.DataFrame:
    """Gram matrices of two classes, sharper with each layer."""
    i, j = np.indices((size, size)).reshape(2, -1)
    same = (i < size / 2) == (j < size / 2)
    parts = []
    for layer, stage, pixel in itertools.product(
        range(1, DEPTH + 2), ("MX", "X"), ("point", "mean")
    ):
        gram = np.where(same, 1 - 0.5 / layer, -0.2 / layer)
        parts.append(
            pd.DataFrame({"i": i, "j": j, "gram": gram}).assign(
                **RUN, seed=0, **KIND, layer=layer, stage=stage, pixel=pixel
            )
        )
    return pd.concat(parts, ignore_index=True)


def make_claims() -> pd.DataFrame:
    """One claim of each verdict, with the columns of the table."""
    columns = ("id", "source", "claim", "predicate", "paper", "measured", "tolerance")
    columns += ("verdict", "why")
    rows = [
        *[("C1", "Figure 3", "Deep RFM collapses", "nc1 small", "", "1.2 × 10⁻⁴", "at most 0.01")],
        *[("T1", "Theorem 5.3", NASTY, "slope = 2", "2", "1.01 ± 0.01", "2 ± 0.05")],
        *[("C14", "Section 6", "hours", "", "1.5", "", "")],
    ]
    ends = [("reproduced", ""), ("not_reproduced", "kappa"), ("not_measured", "no such GPU")]
    rows = [row + end for row, end in zip(rows, ends, strict=True)]
    return pd.DataFrame(rows, columns=columns)


def make_image() -> str:
    """A figure's PNG as an address."""
    drawing = Drawing(figsize=(4, 2))
    drawing.subplots().plot([1, 2, 3], [3, 1, 2])
    buffer = io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=200)
    return data_address("image/png", buffer.getvalue())


def make_report(tables: dict[str, pd.DataFrame], folder) -> Report:
    """A page with all that there is, and names that are no good citizens."""
    selected = RUN | {"seeds": [0]}
    walks = [walk(name, selected, make_pictures(), tables) for name in ("digits, Laplace", NASTY)]
    jobs = [
        {"dataset": "digits", "run": NASTY, "seed": 0, "rule": "build_deep_rfm"}
        | {"benchmark": str(folder / "none.tsv"), "outputs": [], "record": str(folder / "none")}
    ]
    cost = recorded.cost(jobs)
    runs = [RUN | {"seed": seed, "kind": "deep_rfm", "ridge": 0.0, "depth": 3} for seed in SEEDS]
    figures = [
        Figure(
            "fig03", "NC1 and NC2", "figures/mine/fig03", make_image(), 800, 400,
            Caption("NC1 falls from 2 to 0.01.", "A line that falls from 2 to 0.01."),
        ),
        Figure(
            "own", NASTY, "figures/mine/own", make_image(), 800, 400, Caption(NASTY, NASTY)
        ),
    ]  # fmt: skip
    return Report(
        study="mine",
        description=NASTY,
        folder="results/mine",
        identity="ab" * 32,
        about=[("Seeds", "0, 1"), ("Data sets", NASTY)],
        figures=figures,
        walks=walks,
        unwalked=2,
        claims=make_claims(),
        listings=[listing("deep_rfm", tables["deep_rfm"]), listing("runs", pd.DataFrame(runs))],
        cost=listing("cost", cost),
        cost_total=recorded.total(cost),
        settings=by_kind(runs),
        versions=[("torch", "2.14.1", 2)],
    )
