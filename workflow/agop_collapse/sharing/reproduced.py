"""The numbers of docs/reproduced.md and of the README, from the references.

They stand in a page between marks, `<!-- numbers: NAME -->` and `<!-- end -->`; written anew by

    cd workflow && python -m agop_collapse.sharing.reproduced
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from . import reproduced_laptop
from .chosen import at_the_end, projected
from .markdown import number, table
from .reference import read, read_ledger

ROOT = Path(__file__).parents[3]
PAGE, README = ROOT / "docs" / "reproduced.md", ROOT / "README.md"
BLOCK = re.compile(r"(<!-- numbers: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
LAYERS = [1, 2, 5, 10]
Tables = Mapping[str, pd.DataFrame]


def _of_layers(frame: pd.DataFrame, column: str, layers: list[int]) -> dict[str, list[str]]:
    """Of each run on all digits its means over the seeds, at some layers."""
    chosen = frame[(frame["dataset"] == "digits") & frame["layer"].isin(layers)]
    means = chosen.groupby(["run", "layer"])[column].mean().unstack("layer")
    return {run: [number(value) for value in row[layers]] for run, row in means.iterrows()}


def collapse(tables: Tables) -> str:
    """NC1 and NC2 of M^1/2 X over the layers of Deep RFM, and of the data."""
    frame = projected(tables["deep_rfm"])
    rows = [
        [f"`{run}`", measure.upper(), *values]
        for measure in ("nc1", "nc2")
        for run, values in _of_layers(frame, measure, [0, *LAYERS]).items()
    ]
    return table(["run", "", "data", *(f"layer {layer}" for layer in LAYERS)], rows)


def gram(tables: Tables) -> str:
    """Mean cosines of the Gram matrices, of the data and behind the last layer."""
    frame = tables["gram"].assign(layer=tables["gram"]["applied_layer"])
    within, between = (_of_layers(frame, f"{of}_mean", [0, 10]) for of in ("within", "between"))
    rows = [[f"`{run}`", *within[run], *between[run]] for run in within]
    header = ["run", "within classes: data", "layer 10", "between classes: data", "layer 10"]
    return table(header, rows)


def attribution(tables: Tables) -> str:
    """What of the fall of ln NC1 over all layers projection, features and normalisation make."""
    frame = tables["attribution"].query("dataset == 'digits'").groupby(["run", "seed"]).head(1)
    parts = ["log_nc1_change", "share_projection", "share_features", "share_norm"]
    means = frame.groupby("run")[[f"total_{part}" for part in parts]].mean()
    rows = [[f"`{run}`", *map(number, row)] for run, row in means.iterrows()]
    return table(["run", "change of ln NC1", "M^½", "random features", "norm"], rows)


def _at_the_end(frame: pd.DataFrame) -> pd.DataFrame:
    return at_the_end(frame[frame["dataset"] == "digits"])


def network(tables: Tables) -> str:
    """The trained MLP, layer by layer: what S V^T does to NC1, its output's NC1 and NC2, NFA."""
    shares = _at_the_end(tables["network_attribution"]).groupby("layer")["share_linear"].mean()
    points = _at_the_end(tables["network_nc"]).query("stage == 'full'").groupby("layer")
    nfa = _at_the_end(tables["network_nfa"]).groupby("layer")
    columns = [
        shares,
        points["nc1"].mean(),
        points["nc2"].mean(),
        nfa["nfa"].mean(),
        nfa["nfa_init"].mean(),
        nfa["nfa_independent"].mean(),
    ]
    rows = [[str(layer), *(number(each[layer]) for each in columns)] for layer in shares.index]
    header = ["layer", "share of S Vᵀ", "NC1", "NC2", "NFA", "untrained", "AGOP of another"]
    return table(header, rows)


def ansatz(tables: Tables) -> str:
    """The NFA at the end, over layers and seeds."""
    frame = tables["nfa_summary"]
    rows = [
        [row.dataset, f"{row.nfa_mean:.2f} ± {row.nfa_sd:.2f}", f"{row.nfa_init_mean:.2f}"]
        for row in frame.itertuples()
    ]
    return table(["data", "NFA, mean ± sd over layers and seeds", "before training"], rows)


def theory(tables: Tables) -> str:
    """Each claim as the paper prints it, and whether it holds."""
    frame = tables["theory_claims"].query("printed")
    rows = [
        [row.source, row.statement, number(row.found), "holds" if row.holds else "does not hold"]
        for row in frame.itertuples()
    ]
    return table(["where", "claim", "found", ""], rows)


def beside(tables: Tables) -> str:
    """What the paper says in one line each, and what of it the demo has."""
    run = "dataset == 'digits' and run == 'laplace-relu-agop'"
    rates = tables["rates"].query(f"{run} and stage == 'MX'")
    gram = tables["gram"].query(f"{run} and applied_layer == 10")
    alone = tables["deep_rfm"].query("run == 'laplace-relu-identity' and stage == 'MX'")
    alone = alone.groupby("layer")["nc1"].mean()
    parts = _at_the_end(tables["network_attribution"]).groupby("seed")
    shares = parts["total_share_linear"].first()
    nfa = tables["nfa_summary"].query("dataset == 'digits'").iloc[0]
    rows = [
        [
            "Deep RFM collapses exponentially (5.1)",
            "a straight line in 20 layers",
            f"NC1 x {rates['nc1_rate'].mean():.2f} a layer, R² {rates['nc1_rate_r2'].mean():.3f}",
        ],
        [
            "points of a class become one, classes a simplex (4)",
            "cosines 1 and -1/9 after 18 layers",
            f"{gram['within_mean'].mean():.3f} and {gram['between_mean'].mean():.3f} after 10",
        ],
        [
            "it is the AGOP's doing (4)",
            "random features alone do not",
            f"with M = I NC1 rises from {alone.iloc[0]:.1f} to {alone.iloc[-1]:.1f}",
        ],
        [
            "in networks S Vᵀ causes the most of it (6)",
            "the majority",
            f"{shares.mean():.0%} of the fall of ln NC1",
        ],
        [
            "WᵀW correlates with AGOP^½ (6)",
            "0.74 ± 0.13 (MLP, MNIST)",
            f"{nfa['nfa_mean']:.2f} ± {nfa['nfa_sd']:.2f}; untrained {nfa['nfa_init_mean']:.2f}",
        ],
    ]
    return table(["claim (section)", "paper, n = 50,000", "here, digits"], rows)


def made_on(facts: Mapping) -> str:
    """On what, and in what time."""
    made, seconds = facts["made_on"], facts["seconds"]
    versions = ", ".join(f"{name} {', '.join(each)}" for name, each in made["versions"].items())
    minutes = ", ".join(f"`{rule}` {value / 60:.0f}" for rule, value in seconds.items())
    return (
        f"Made on one machine ({made['processor']}; {', '.join(made['devices'])}; threads of "
        f"torch: {', '.join(map(str, made['torch_threads']))}) with {versions}. Minutes of "
        f"all jobs of a rule together, on a machine that had other work: {minutes}."
    )


def page(text: str) -> str:
    """A page with the numbers of the references."""
    tables, facts = read(ROOT / "reference" / "demo")
    made = (collapse, gram, attribution, network, ansatz, theory, beside)
    written = {make.__name__: make(tables) for make in made} | {"made_on": made_on(facts)}
    folder = ROOT / "reference" / "laptop"
    tables, facts = read(folder)
    written |= reproduced_laptop.blocks(tables, read_ledger(folder))
    written["laptop_made_on"] = made_on(facts)
    return BLOCK.sub(lambda found: f"{found[1]}{written[found[2]]}\n{found[3]}", text)


if __name__ == "__main__":
    for file in (PAGE, README):
        file.write_text(page(file.read_text(encoding="utf-8")), encoding="utf-8")
