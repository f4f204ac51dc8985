"""Tables as the pipeline writes them, made up: collapse that is exponential over the layers.

Runs are of the study "paper". A study "other" has runs of the same names with other values, so that
a figure that looks at names alone shows wrong numbers.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

SEEDS = (0, 1, 2)
DATASETS = ("mnist", "cifar10", "svhn")
TEST_MEASURES = ["nc1_test_own", "nc1_test_strong", "nc1_test_weak", "nc2_test"]
TEST_MEASURES += ["centre_accuracy", "test_centre_accuracy"]


def with_other_study(frame: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """A table of the study "paper", and of one that measured three times as much."""
    other = frame.assign(**{name: 3 * frame[name] for name in measures})
    parts = [other.assign(study="other"), frame.assign(study="paper")]
    return pd.concat(parts, ignore_index=True)


def make_deep_rfm(depth: int = 20, seeds: tuple = SEEDS) -> pd.DataFrame:
    """Deep RFM on three data sets, both feature maps, with the AGOP and (MNIST only) without."""
    random = np.random.default_rng(1)
    runs = [
        (dataset, feature_map, projection)
        for dataset, feature_map in itertools.product(DATASETS, ("relu", "cos"))
        for projection in ("agop", "identity")
        if projection == "agop" or dataset == "mnist"
    ]
    records = []
    for (dataset, feature_map, projection), seed, layer in itertools.product(
        runs, seeds, range(1, depth + 1)
    ):
        slower = 1 + DATASETS.index(dataset)
        rate = 0.9 / slower if feature_map == "relu" else 0.25 / slower
        noise = random.lognormal(0, 0.15, size=3)
        fall = np.exp(-rate * (layer - 1))
        if projection == "identity":
            fall = 1 + 0.2 * layer
        nc2 = 0.3 + 2 * min(fall, 1.2) ** 0.3
        for stage, nc1, jitter in zip(
            ("X", "MX", "PhiMX"), (1.7, 0.7, 1.0) * np.array(fall), noise, strict=True
        ):
            records.append(
                deep_rfm_run(dataset, feature_map, projection)
                | {
                    "seed": seed,
                    "layer": layer,
                    "stage": stage,
                    "nc1": nc1 * jitter,
                    "nc2": nc2 * jitter,
                    "nc2_mse": (nc2 * jitter) ** 2 / 10**2,
                    "nc2_test": nc2 * jitter + 0.1,
                    "nc1_test_own": 1.3 * nc1 * jitter + 0.1,
                    "nc1_test_strong": 1.4 * nc1 * jitter + 0.2,
                    "nc1_test_weak": 0.5 * nc1 * jitter,
                    "centre_accuracy": 1 - 0.05 / layer,
                    "test_centre_accuracy": 0.9 - 0.04 / layer - 0.01 * noise[1],
                    "train_mse": 1e-20 * layer,
                    "train_accuracy": 1 - 0.01 / layer,
                    "test_accuracy": 0.9 - 0.02 / layer - 0.01 * noise[0],
                    "valid": True,
                }
            )
    measures = ["nc1", "nc2", "nc2_mse", "train_accuracy", "test_accuracy", *TEST_MEASURES]
    return with_other_study(pd.DataFrame(records), measures)


def make_predictors(deep_rfm: pd.DataFrame) -> pd.DataFrame:
    """Behind the last layer of each run, a little better than that."""
    last = (deep_rfm["layer"] == deep_rfm["layer"].max()) & (deep_rfm["stage"] == "X")
    run = ["study", "dataset", "run", "kernel", "feature_map", "projection", "seed", "valid"]
    better = {
        f"final_{part}_accuracy": deep_rfm[f"{part}_accuracy"] + 0.005 for part in ("train", "test")
    }
    return deep_rfm.assign(**better).loc[last, [*run, *better]].reset_index(drop=True)


def deep_rfm_run(dataset: str, feature_map: str, projection: str = "agop") -> dict:
    """A run's columns, without its study and seed."""
    kernel = "gaussian" if dataset == "mnist" else "laplace"
    return {
        "dataset": dataset,
        "run": f"{kernel}-{feature_map}-{projection}",
        "kernel": kernel,
        "feature_map": feature_map,
        "projection": projection,
    }


def make_pictures(layers: tuple = (1, 3, 7, 13, 19), size: int = 40) -> pd.DataFrame:
    """Gram matrices of ten classes, sharper with each layer; three data sets, two seeds."""
    labels = np.repeat(np.arange(10), size // 10)
    same = labels[:, None] == labels
    random = np.random.default_rng(2)
    i, j = np.indices((size, size)).reshape(2, -1)
    parts = []
    for dataset, seed, layer in itertools.product(DATASETS, (3, 4), layers):
        noise = random.normal(0, 0.3 / layer, (size, size))
        within = 1 - 0.8 / layer
        gram = np.where(same, within, -within / 9) + (noise + noise.T) / 2
        np.fill_diagonal(gram, 1)
        parts.append(
            pd.DataFrame(
                deep_rfm_run(dataset, "relu" if dataset == "mnist" else "cos")
                | {
                    "seed": seed,
                    "layer": layer,
                    "stage": "MX",
                    "pixel": "point",
                    "i": i,
                    "j": j,
                    "gram": gram.ravel(),
                }
            )
        )
    shown = with_other_study(pd.concat(parts, ignore_index=True), ["gram"])
    stages = pd.concat([shown, shown.assign(stage="X", gram=shown["gram"] / 2)], ignore_index=True)
    means = stages.assign(pixel="mean", gram=0.9 * stages["gram"])
    return pd.concat([stages, means], ignore_index=True)


NAMES = {
    "mnist": "0 1 2 3 4 5 6 7 8 9",
    "cifar10": "airplane automobile bird cat deer dog frog horse ship truck",
    "svhn": "0 1 2 3 4 5 6 7 8 9",
}


def make_classes() -> pd.DataFrame:
    """The classes of the pictures: as many points as pixels, times ten."""
    records = [
        deep_rfm_run(dataset, "relu" if dataset == "mnist" else "cos")
        | {"seed": seed, "class": number, "name": name, "points": 40, "drawn": 4}
        for dataset, seed in itertools.product(DATASETS, (3, 4))
        for number, name in enumerate(NAMES[dataset].split())
    ]
    return with_other_study(pd.DataFrame(records), ["points"])


def make_spectra(layers: int = 6, size: int = 30) -> pd.DataFrame:
    """Eigenvalues of the AGOP that fall faster with each layer, and to 0; two seeds."""
    records = []
    for dataset, seed, layer in itertools.product(DATASETS, (3, 4), range(1, layers + 1)):
        values = (1.0 + seed) * np.exp(-0.3 * layer * np.arange(size))
        values[-1] = 0.0
        run = deep_rfm_run(dataset, "relu") | {"seed": seed, "layer": layer}
        records += [
            run | {"index": index, "eigenvalue": value} for index, value in enumerate(values, 1)
        ]
    return with_other_study(pd.DataFrame(records), ["eigenvalue"])


def make_networks(epochs: range = range(0, 501, 25)) -> dict[str, pd.DataFrame]:
    """Tables of networks in training: MLP and ResNet18, three data sets each."""
    random = np.random.default_rng(3)
    collapse, ansatz, training, readout, ranks = [], [], [], [], []
    for dataset, model, seed in itertools.product(DATASETS, ("mlp", "resnet18"), SEEDS):
        slower = 1 + DATASETS.index(dataset)
        final = random.lognormal(0, 0.3)
        for epoch in epochs:
            run = {"dataset": dataset, "run": model, "model": model, "seed": seed, "epoch": epoch}
            progress = 1 - np.exp(-epoch / (60 * slower))
            for layer in range(1, 6):
                nc1 = 6 * np.exp(-(1.0 + 0.5 * layer) * progress) * final
                for stage, factor in (("input", 1), ("right", 1 - 0.6 * progress), ("full", 0)):
                    factor = factor or (1 - 0.6 * progress) * (1 - 0.2 * progress)
                    value = nc1 * factor * random.lognormal(0, 0.1)
                    collapse.append(
                        run
                        | {
                            "layer": layer,
                            "stage": stage,
                            "nc1": value,
                            "nc2": 1 + value / 10,
                            "trace_within": value * 3,
                            "trace_between": 3.0,
                            "trace_total": 3 * value + 3,
                            "nc1_test_own": 1.2 * value + 0.1,
                            "nc1_test_strong": 1.3 * value + 0.2,
                            "nc1_test_weak": 0.4 * value,
                            "nc2_test": 1.2 + value / 10,
                            "centre_accuracy": 1 - 0.02 * min(value, 9),
                            "test_centre_accuracy": 0.95 - 0.03 * min(value, 9),
                        }
                    )
                nfa = 0.8 - 0.1 * layer + 0.1 * progress * final + random.normal(0, 0.02)
                chance = 784**-0.5 if layer == 1 else 512**-0.5
                ansatz.append(run | {"layer": layer, "nfa": nfa, "nfa_chance": chance})
                ranks.append(run | {"layer": layer} | _ranks(layer, progress, random))
            loss = np.exp(-5 * progress) * random.lognormal(0, 0.1)
            training.append(run | {"train_loss": loss, "fitted": epoch >= 450})
            noise = random.uniform(0, 0.05, 3)
            agreement = {"nc4": 1 - noise[0], "nc4_test": 0.9 - noise[1]}
            readout.append(run | agreement | {"principal_cosine": 0.9 * progress + noise[2]})
    traces = ["trace_within", "trace_between"]
    frame = pd.DataFrame(ranks)
    of_ranks = [column for column in frame if column.endswith("_rank")] + ["class_alignment"]
    of_readout = ["nc4", "nc4_test", "principal_cosine"]
    return {
        "network_nc": with_other_study(
            pd.DataFrame(collapse), ["nc1", "nc2", *traces, *TEST_MEASURES]
        ),
        "network_readout": with_other_study(pd.DataFrame(readout), of_readout),
        "network_nfa": with_other_study(pd.DataFrame(ansatz), ["nfa"]),
        "network_ranks": with_other_study(frame, of_ranks),
        "network_training": with_other_study(pd.DataFrame(training), ["train_loss"]),
    }


def _ranks(layer: int, progress: float, random: np.random.Generator) -> dict:
    """Of a layer whose ranks fall in training, and which aligns with the classes."""
    alignment = {"class_alignment": 0.2 + 0.6 * progress, "class_alignment_chance": 0.14}
    return alignment | {
        f"{of}_{count}_rank": size * (1 - 0.7 * progress) / layer + random.uniform(0, 2)
        for of, size in (("weight", 90), ("agop", 12), ("features", 30))
        for count, size in (("stable", size / 2), ("effective", size), ("entropy", 1.5 * size))
    }


def make_network_spectra(size: int = 20) -> pd.DataFrame:
    """Spectra of W, AGOP and features at two epochs, which fall faster with each layer, to 0."""
    records = []
    for dataset, model, seed, epoch in itertools.product(
        DATASETS, ("mlp", "resnet18"), SEEDS, (0, 500)
    ):
        run = {"dataset": dataset, "run": model, "model": model, "seed": seed, "epoch": epoch}
        for layer, (power, of) in itertools.product(
            range(1, 6), enumerate(("weight", "agop", "features"), start=1)
        ):
            fall = 0.02 * power * layer * (1 + epoch / 500) * (1 + 0.1 * seed)
            values = (1.0 + seed) * np.exp(-fall * np.arange(size))
            values[-1] = 0.0
            records += [
                run | {"layer": layer, "of": of, "index": index, "value": value}
                for index, value in enumerate(values, start=1)
            ]
    return with_other_study(pd.DataFrame(records), ["value"])


@pytest.fixture(scope="session")
def deep_rfm() -> pd.DataFrame:
    return make_deep_rfm()


@pytest.fixture(scope="session")
def predictors(deep_rfm) -> pd.DataFrame:
    return make_predictors(deep_rfm)


@pytest.fixture(scope="session")
def pictures() -> pd.DataFrame:
    return make_pictures()


@pytest.fixture(scope="session")
def classes() -> pd.DataFrame:
    return make_classes()


@pytest.fixture(scope="session")
def spectra() -> pd.DataFrame:
    return make_spectra()


@pytest.fixture(scope="session")
def networks() -> dict[str, pd.DataFrame]:
    return make_networks()


@pytest.fixture(scope="session")
def network_spectra() -> pd.DataFrame:
    return make_network_spectra()


@pytest.fixture(scope="session")
def own_networks() -> dict[str, pd.DataFrame]:
    """network_layers of ResNet18 on three data sets: 21 layers, no activation behind the last."""
    random = np.random.default_rng(6)
    blocks = [
        f"layer{stage}.{block}.conv{number}"
        for stage in "1234"
        for block in "01"
        for number in "12"
    ]
    names = ["conv1", *blocks, *(f"layer{stage}.0.downsample.0" for stage in "234"), "fc"]
    records = [
        {
            **{"dataset": dataset, "run": "resnet18", "network": "nets:resnet18", "seed": seed},
            **{"epoch": None, "layer": layer, "layer_name": name, "stage": stage, "fitted": True},
            **dict(zip(("nc1", "nc2"), random.lognormal(-layer / 4, 0.1, size=2), strict=True)),
            **{"nfa": 0.9 - layer / 50, "nfa_independent": random.uniform(0.1, 0.3)},
        }
        for dataset, seed in itertools.product(DATASETS, SEEDS)
        for layer, name in enumerate(names, start=1)
        for stage in ("input", "right", "full")[: 2 if name == "fc" else 3]
    ]
    measures = ["nc1", "nc2", "nfa", "nfa_independent"]
    frame = pd.DataFrame(records).astype({"epoch": float})
    return {"network_layers": with_other_study(frame, measures)}


@pytest.fixture(scope="session")
def trained_here(own_networks) -> dict[str, pd.DataFrame]:
    """The same, of networks that fit their data between their epochs 5 and 10."""
    table = own_networks["network_layers"]
    at = [
        table.assign(
            epoch=epoch,
            fitted=epoch == 10,
            nc1=table["nc1"] / (1 + epoch),
            nfa=table["nfa"] * (1 + epoch) / 11,
        )
        for epoch in (0, 5, 10)
    ]
    return {"network_layers": pd.concat(at, ignore_index=True)}


@pytest.fixture(scope="session")
def make_row():
    """Function for a figure row of one run of the study "paper", or of another."""

    def make(label: str, dataset: str, run: str, study: str = "paper", **more) -> dict:
        return {
            "label": label,
            "runs": [{"study": study, "dataset": dataset, "run": run} | more],
        }

    return make


@pytest.fixture(scope="session")
def part():
    """Function for the rows of a table that are a figure row's, with given values of columns."""

    def select(frame: pd.DataFrame, row: dict, **wanted) -> pd.DataFrame:
        (run,) = row["runs"]
        wanted |= {key: run[key] for key in ("study", "dataset", "run")}
        return frame[np.logical_and.reduce([frame[key] == value for key, value in wanted.items()])]

    return select


@pytest.fixture(scope="session")
def headings():
    """Function for the headings of a figure's rows, as they are drawn."""

    def find(fig: Figure) -> list[Annotation]:
        return [text for ax in fig.axes for text in ax.texts if isinstance(text, Annotation)]

    return find


@pytest.fixture(scope="session")
def assert_series():
    """Function that compares a drawn line and its band with the table they come from."""

    def check(ax: Axes, index: int, frame: pd.DataFrame, x: str, value: str) -> None:
        positions, means, lowers, uppers = [], [], [], []
        for position in sorted(set(frame[x])):
            seeds = np.array(frame.loc[frame[x] == position, value])
            mean, sd = seeds.sum() / len(seeds), 0.0
            if len(seeds) > 1:
                sd = np.sqrt(((seeds - mean) ** 2).sum() / (len(seeds) - 1))
            positions.append(position)
            means.append(mean)
            lowers.append(max(mean - sd, 0.01 * mean) if mean > 0 else mean - sd)
            uppers.append(mean + sd)
        line = ax.lines[index]
        np.testing.assert_array_equal(line.get_xdata(), positions)
        np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
        # The outline of a band visits each x at its lower and at its upper end.
        outline = pd.DataFrame(ax.collections[index].get_paths()[0].vertices).groupby(0)[1]
        np.testing.assert_array_equal(list(outline.groups), positions)
        np.testing.assert_allclose(outline.min(), lowers, rtol=1e-12)
        np.testing.assert_allclose(outline.max(), uppers, rtol=1e-12)

    return check
