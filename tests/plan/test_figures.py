"""Figures: the runs, rows, labels and options that each is drawn from."""

import re
from pathlib import Path
from typing import Any

import pytest
from agop_collapse.files.tables import COMBINED, MEASURED
from agop_collapse.plan.configuration import load
from agop_collapse.plan.figure_kinds import FIGURE_KINDS, PAPER_FIGURES
from agop_collapse.plan.figure_layers import spread_layers
from agop_collapse.plan.figure_rows import REGISTRIES, no_rows
from agop_collapse.plan.figures import Drawing
from agop_collapse.plan.measure_rows import MEASURES, STAGES, TRUST
from agop_collapse.plan.runs import filter_keys
from agop_collapse.plan.settings import RUN_KINDS
from configurations import config_of, own_network, refusal, trained_network

ROOT = Path(__file__).parents[2]
PARTS = {
    "seeds": [0, 4],
    "datasets": {"first": {"kind": "digits", "n": 300}, "mnist": {"kind": "digits", "n": 200}},
    "deep_rfm": [
        {"depth": 3},
        {"depth": 4, "kernel": "gaussian", "datasets": ["mnist"]},
        {"depth": 3, "feature_map": "cos", "gamma": 0.1},
        {"depth": 3, "projection": "identity"},
    ],
    "networks": [{"model": ["mlp", "resnet18", "vgg11"], "datasets": ["first"]}],
}
OTHER = {
    "seeds": [4, 9],
    "datasets": {"first": {"kind": "digits", "n": 99}},
    "deep_rfm": [{"depth": 2}, {"name": "own", "depth": 2, "kernel": "matern32"}],
    "networks": [],
}


def drawing(name: str = "own", others: dict | None = None, **figure: Any) -> Drawing:
    """A figure of the study mine; others : what it has otherwise than PARTS."""
    return load(config(name, others, **figure)).studies["mine"].drawings[name]


def config(name: str = "own", others: dict | None = None, **figure: Any) -> dict[str, Any]:
    made = config_of(**PARTS | {"figures": {name: figure}} | (others or {}))
    made["studies"]["other"] = OTHER
    return made


def shown(drawing: Drawing) -> list[str]:
    """Data set and run of each run that a figure shows, seeds aside."""
    return [f"{run['dataset']} {run['run']}" for row in drawing.rows for run in row["runs"]]


def labels(drawing: Drawing) -> list[str]:
    return [row["label"] for row in drawing.rows]


def drawn_from(drawing: Drawing) -> list[str]:
    """Folders of the runs that a figure is drawn from, below results/."""
    return [run.folder.removeprefix("results/") for run in drawing.runs]


def test_every_kind_of_figure_is_described():
    page = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
    section = page.split("\n## Figures\n")[1].split("\n## ")[0]
    names = [
        name
        for row in re.findall(r"^\| (`.*?) \|", section, flags=re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert sorted(names) == sorted(FIGURE_KINDS)


# The paper's figures

RELU = ["first laplace-relu-agop", "mnist laplace-relu-agop", "mnist gaussian-relu-agop"]
COS = ["first laplace-cos-agop", "mnist laplace-cos-agop"]
MLP, RESNET18, VGG11 = ["first mlp"], ["first resnet18"], ["first vgg11"]
IDENTITY = [
    "first laplace-relu-agop",
    "first laplace-relu-identity",
    "mnist laplace-relu-agop",
    "mnist laplace-relu-identity",
]
ROWS = {
    "fig01": COS + RELU,
    "fig02": MLP + RESNET18,
    "fig03": RELU,
    "fig04": COS,
    "fig05": COS,
    "fig06": RELU,
    "fig07": MLP,
    "fig08": RESNET18,
    "fig09": VGG11,
    "fig10": MLP,
    "fig11": RESNET18,
    "fig12": VGG11,
    "v1_fig01": MLP,
    "v1_fig02": RELU,
    "v1_fig03": RELU,
    "v1_fig04": [],
    "v1_fig05": RELU,
    "v1_fig06": RELU,
    "v1_fig07": MLP,
    "v1_fig08": MLP,
    "nfa_null": MLP,
    "network_nc2": MLP,
    "network_nc_full": MLP,
    "network_spectrum": MLP,
    "nc_full": RELU,
    "spectrum": RELU,
    "accuracy": RELU,
    "ablation": IDENTITY,
    **{key: [] for key in ("theory_recursion", "theory_rate", "theory_objective")},
    "theory_layers": RELU,
    "random_features": [],
}


@pytest.mark.parametrize("name", PAPER_FIGURES)
def test_figure_of_the_paper_shows_its_runs(name):
    found = drawing(name)
    assert shown(found) == ROWS[name]
    kind = FIGURE_KINDS[found.kind]
    assert {run.kind for run in found.runs} <= {kind.draws}
    seeds = {run.seed for run in found.runs}
    assert seeds == (({0, 4} if kind.all_seeds else {0}) if ROWS[name] else set())
    # Of each run that it shows, and no other.
    assert {f"{run.dataset} {run.name}" for run in found.runs} == set(ROWS[name])
    assert found.tables == kind.tables
    assert set(found.tables) <= set(COMBINED)


@pytest.mark.parametrize("name", PAPER_FIGURES)
def test_figure_of_the_paper_filters_by_what_its_runs_have(name):
    kind = FIGURE_KINDS[PAPER_FIGURES[name].kind]
    for wanted in PAPER_FIGURES[name].rows:
        assert set(wanted) <= set(filter_keys(kind.draws))


def test_labels_of_rows_are_data_set_and_run():
    assert labels(drawing("fig03")) == [
        "first, Laplace, ReLU",
        "MNIST, Laplace, ReLU",
        "MNIST, Gaussian, ReLU",
    ]
    assert labels(drawing("fig02")) == ["first, MLP", "first, ResNet18"]


def test_a_row_says_what_selects_its_run_in_the_tables():
    (row,) = drawing("fig07").rows
    assert row == {
        "label": "first, MLP",
        "runs": [{"study": "mine", "dataset": "first", "run": "mlp", "seeds": [0, 4]}],
    }


def test_a_row_of_the_ablation_has_both_projections():
    first, second = drawing("ablation").rows
    assert first == {
        "label": "first, Laplace, ReLU",
        "runs": [
            {
                "study": "mine",
                "dataset": "first",
                "run": f"laplace-relu-{role}",
                "seeds": [0, 4],
                "role": role,
            }
            for role in ("agop", "identity")
        ],
    }
    assert second["label"] == "MNIST, Laplace, ReLU"


def test_ablation_is_of_the_runs_that_differ_in_nothing_else():
    blocks = [
        {"name": "narrow", "width": 8},
        {"name": "wide", "width": 16},
        {"name": "none", "width": 16, "projection": "identity"},
    ]
    found = drawing("ablation", {"deep_rfm": blocks, "networks": []})
    assert shown(found)[:2] == ["first wide", "first none"]
    blocks[1]["block_rows"] = 7  # which changes no result
    found = drawing("ablation", {"deep_rfm": blocks, "networks": []})
    assert shown(found)[:2] == ["first wide", "first none"]
    blocks[1]["width"] = 32
    message = refusal(config("ablation", {"deep_rfm": blocks, "networks": []}))
    assert "first, none needs a run of each projection" in message
    assert "alike in all other settings" in message


@pytest.mark.parametrize("kind", ["deep_rfm_curves", "gram", "overlay"])
def test_rows_of_one_run_and_other_seeds_are_told_apart(kind):
    filters = [{"kernel": "gaussian", "seed": 0}, {"kernel": "gaussian", "seed": 4}]
    options = {"lines": filters, "y": "nc1"} if kind == "overlay" else {"rows": filters}
    found = drawing("own", plot=kind, **options)
    assert [row["runs"][0]["seeds"] for row in found.rows] == [[0], [4]]
    assert [row["label"][-6:] for row in found.rows] == ["seed 0", "seed 4"]
    assert [run.seed for run in found.runs] == [0, 4]


def test_panels_of_a_sweep_may_share_runs():
    """Which are read once."""
    blocks = [{"kernel": ["laplace", "matern32"], "width": [16, 32], "datasets": ["first"]}]
    rows = [{"kernel": "laplace"}, {"kernel": ["laplace", "matern32"]}]
    options = {"plot": "sweep", "x": "width", "y": "nc1", "by": "kernel", "rows": rows}
    found = drawing("own", {"deep_rfm": blocks}, **options)
    assert len(set(found.runs)) == len(found.runs) == 8


def test_ablation_of_one_seed_is_drawn_from_it():
    found = drawing("ablation", rows=[{"projection": "identity", "seed": 4, "dataset": "mnist"}])
    assert drawn_from(found) == [
        "mine/deep_rfm/mnist/laplace-relu-agop/seed4",
        "mine/deep_rfm/mnist/laplace-relu-identity/seed4",
    ]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("fig03", {"nc2": "nc2"}),
        ("v1_fig03", {"nc2": "nc2_over_k2"}),
        ("fig05", {"layers": [1, 2, 3, 4], "stage": "MX", "pixels": "points"}),
        ("v1_fig02", {"layers": [1, 2, 3], "stage": "X", "pixels": "points"}),
        ("spectrum", {"layers": [1, 2, 3]}),
        ("fig07", {}),
        ("ablation", {}),
        ("v1_fig04", {}),
    ],
)
def test_options_of_the_papers_figures(name, options):
    assert drawing(name).options == options


def test_options_can_be_chosen():
    assert drawing("fig05", layers=[4, 2]).options["layers"] == [4, 2]
    assert drawing("spectrum", layers=[3]).options["layers"] == [3]
    assert drawing("fig03", nc2="nc2_over_k2").options == {"nc2": "nc2_over_k2"}
    assert drawing("v1_fig03", nc2="nc2").options == {"nc2": "nc2"}


@pytest.mark.parametrize(
    ("deepest", "layers"),
    [
        (1, [1]),
        (2, [1, 2]),
        (3, [1, 2, 3]),
        (5, [1, 2, 3, 4, 5]),
        (6, [1, 2, 3, 4, 6]),
        (11, [1, 2, 4, 8, 11]),
        (18, [1, 3, 7, 12, 18]),
        (19, [1, 3, 7, 13, 19]),
        (21, [1, 3, 7, 13, 19]),
        (1000, [1, 3, 7, 13, 19]),
    ],
)
def test_layers_are_the_papers_or_spread_over_what_there_is(deepest, layers):
    assert spread_layers(deepest) == layers


def test_there_are_as_many_layers_as_in_the_paper_wherever_a_run_has_them():
    for deepest in range(1, 40):
        spread = spread_layers(deepest)
        assert spread == sorted(set(spread))
        assert len(spread) == min(deepest, 5)
        assert (spread[0], spread[-1]) == (1, min(deepest, 19))


def test_gram_figure_shows_what_its_shallowest_run_has():
    assert drawing("fig06").options["layers"][-1] == 4  # of depths 3, 3 and 4, and the input
    assert drawing("fig06", rows=[{"kernel": "gaussian"}]).options["layers"][-1] == 5


# Rows of one's own


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"kernel": "gaussian"}], ["mnist gaussian-relu-agop"]),
        ([{"run": "laplace-cos-agop"}], COS),
        ([{"run": "laplace-cos-agop", "dataset": "mnist"}], COS[1:]),
        ([{"dataset": "first", "projection": "agop"}], [RELU[0], COS[0]]),
        ([{"depth": 4}], ["mnist gaussian-relu-agop"]),
        ([{"depth": 4.0}], ["mnist gaussian-relu-agop"]),
        ([{"study": "mine", "kernel": "gaussian"}], ["mnist gaussian-relu-agop"]),
        ([{"seed": 4, "kernel": "gaussian"}], ["mnist gaussian-relu-agop"]),
        # In the filters' order, each once.
        (
            [{"kernel": "gaussian"}, {"dataset": "mnist", "projection": "agop"}],
            [*RELU[:0:-1], COS[1]],
        ),
        # Any of several values.
        ([{"run": ["laplace-cos-agop", "gaussian-relu-agop"]}], [RELU[2], *COS]),
        ([{"kernel": ["gaussian", "matern32"]}], ["mnist gaussian-relu-agop"]),
        # A setting without effect is none: cosine features have no width.
        ([{"width": 1024, "dataset": "first"}], [RELU[0], "first laplace-relu-identity"]),
        ([{"gamma": 0.1}], COS),
    ],
)
def test_filter_is_on_any_setting_run_data_set_study_and_seed(filters, expected):
    assert shown(drawing("own", plot="deep_rfm_curves", rows=filters)) == expected


def test_a_filter_on_a_flag_is_no_number():
    others = {"networks": [{"model": "mlp"}, {"model": "vgg11", "recreate_optimizer": False}]}
    given = {"plot": "ansatz", "rows": [{"recreate_optimizer": False, "dataset": "mnist"}]}
    assert shown(drawing("own", others, **given)) == ["mnist vgg11"]
    given["rows"][0]["recreate_optimizer"] = 0
    assert "no run has recreate_optimizer: 0" in refusal(config("own", others, **given))


def test_figure_of_ones_own_shows_all_runs_of_its_kind():
    found = drawing("own", plot="decomposition")
    assert shown(found) == MLP + RESNET18 + VGG11
    assert len(shown(drawing("own", plot="deep_rfm_curves"))) == 7


def test_filter_on_seeds_chooses_what_a_figure_is_drawn_from():
    found = drawing("own", plot="deep_rfm_curves", rows=[{"kernel": "gaussian", "seed": 4}])
    assert drawn_from(found) == ["mine/deep_rfm/mnist/gaussian-relu-agop/seed4"]


def test_figure_of_one_seed_is_of_the_smallest():
    found = drawing("fig06", rows=[{"kernel": "gaussian"}])
    assert drawn_from(found) == ["mine/deep_rfm/mnist/gaussian-relu-agop/seed0"]
    found = drawing("fig06", rows=[{"kernel": "gaussian", "seed": [4, 9]}])
    assert drawn_from(found) == ["mine/deep_rfm/mnist/gaussian-relu-agop/seed4"]
    # Each run's own: the other study's first seed is 4.
    found = drawing("fig06", rows=[{"dataset": "first"}, {"study": "other", "run": "own"}])
    assert {(run.study, run.seed) for run in found.runs} == {("mine", 0), ("other", 4)}


def test_rows_of_another_studys_runs():
    filters = [{"dataset": "first"}, {"study": "other"}]
    found = drawing("fig03", rows=[wanted | {"feature_map": "relu"} for wanted in filters])
    assert labels(found) == [
        "first, Laplace, ReLU",
        "first, Laplace, ReLU, $M = I$",
        "first, Laplace, ReLU, study other",
        "first, own, study other",
    ]
    assert [run["study"] for row in found.rows for run in row["runs"]] == [
        *["mine"] * 2,
        *["other"] * 2,
    ]
    assert {run.seed for run in found.runs if run.study == "other"} == {4, 9}


def test_another_studys_runs_are_shown_only_when_asked_for():
    assert shown(drawing("own", plot="deep_rfm_curves", rows=[{"dataset": "first"}])) == [
        RELU[0],
        COS[0],
        "first laplace-relu-identity",
    ]
    message = refusal(config("own", plot="deep_rfm_curves", rows=[{"kernel": "matern32"}]))
    assert message.startswith("studies.mine.figures.own: no run has kernel: matern32")


# Sweeps

SWEPT = {
    "deep_rfm": [{"name": "w", "width": [64, 256], "ridge": [0.1, 0.5], "depth": [3]}],
    "networks": [{"model": ["mlp", "vgg11"], "gain": [0.01, 1], "datasets": ["first"]}],
}
SWEEP = {"plot": "sweep", "x": "width", "y": "nc1"}


def points(drawing: Drawing) -> list[list[tuple]]:
    """Line, x and run of each point, panel by panel."""
    return [[(p["line"], p["x"], p["run"]) for p in row["runs"]] for row in drawing.rows]


def test_sweep_has_a_line_for_each_data_set_and_a_point_for_each_run():
    found = drawing("own", SWEPT, **SWEEP, rows=[{"ridge": 0.1}])
    name = "w,depth=3,ridge=0.1,width={}"
    assert points(found) == [
        [
            ("first", 64, name.format(64)),
            ("MNIST", 64, name.format(64)),
            ("first", 256, name.format(256)),
            ("MNIST", 256, name.format(256)),
        ]
    ]
    assert found.rows[0]["label"] == ""
    assert found.options == {
        "table": "deep_rfm",
        "y": "nc1",
        "stage": "MX",
        "layer": "last",
        "epoch": "last",
        "x_label": "width",
    }
    assert found.tables == ("deep_rfm",)
    assert len(found.runs) == 8  # of both seeds
    first = found.rows[0]["runs"][0]
    assert set(first) == {"study", "dataset", "run", "seeds", "x", "line"}


def test_lines_of_a_sweep_may_be_of_any_setting():
    found = drawing("own", SWEPT, **SWEEP, by="ridge", rows=[{"dataset": "first"}])
    assert [(line, x) for line, x, _ in points(found)[0]] == [
        ("ridge = 0.1", 64),
        ("ridge = 0.1", 256),
        ("ridge = 0.5", 64),
        ("ridge = 0.5", 256),
    ]


def test_panels_of_a_sweep_are_its_rows_named_by_their_filters():
    found = drawing(
        "own", SWEPT, **SWEEP, rows=[{"ridge": 0.5}, {"ridge": 0.1, "dataset": "mnist"}]
    )
    assert labels(found) == ["ridge = 0.5", "ridge = 0.1, MNIST"]
    assert [len(panel) for panel in points(found)] == [4, 2]


def test_sweep_of_networks():
    given = {"plot": "sweep", "x": "gain", "y": "nfa", "by": "model", "layer": 2, "epoch": 500}
    found = drawing("own", SWEPT, **given)
    assert points(found) == [
        [
            ("MLP", 0.01, "mlp,gain=0.01"),
            ("MLP", 1.0, "mlp,gain=1"),
            ("VGG-11", 0.01, "vgg11,gain=0.01"),
            ("VGG-11", 1.0, "vgg11,gain=1"),
        ]
    ]
    assert found.tables == ("network_nfa", "network_training")
    wanted = {"table": "network_nfa", "stage": None, "layer": 2, "epoch": 500, "x_label": "gain"}
    assert found.options == wanted | {"y": "nfa"}


def test_words_on_the_x_axis_are_for_readers():
    others = {"deep_rfm": [{"kernel": ["laplace", "matern32"], "datasets": ["first"]}]}
    found = drawing("own", others, plot="sweep", x="kernel", y="nc1", stage="X")
    assert [x for _, x, _ in points(found)[0]] == ["Laplace", "Matérn 3/2"]
    assert found.options["stage"] == "X"


def test_runs_without_the_swept_setting_are_no_points():
    others = {
        "deep_rfm": [
            {"width": [8, 16], "datasets": ["first"]},
            {"feature_map": "cos", "datasets": ["first"]},
        ]
    }
    found = drawing("own", others, **SWEEP, stage="MX")
    assert [x for _, x, _ in points(found)[0]] == [8, 16]


def test_sweep_over_studies():
    others = {"deep_rfm": [{"depth": 3, "datasets": ["first"]}]}
    rows = [{"study": ["mine", "other"], "kernel": "laplace"}]
    found = drawing("own", others, plot="sweep", x="depth", y="nc1", rows=rows)
    assert [x for _, x, _ in points(found)[0]] == [3, 2]
    found = drawing("own", others, plot="sweep", x="depth", y="nc1", by="study", rows=rows)
    assert [(line, x) for line, x, _ in points(found)[0]] == [("mine", 3), ("other", 2)]


@pytest.mark.parametrize(
    ("figure", "parts"),
    [
        (
            {},
            [
                "own: w,depth=3,ridge=0.5,width=64 on first and w,depth=3,ridge=0.1,width=64 on "
                "first have the same width and dataset, so they are one point of one line"
            ],
        ),
        ({"by": "ridge"}, ["width=64 on mnist and", "width=64 on first have the same width and"]),
        (
            {"x": "depth", "rows": [{"width": 64, "ridge": 0.1}]},
            ["own.x = 'depth'", "one value of it only (3)"],
        ),
        ({"x": "gamma"}, ["own.x = 'gamma'", "one value of it only (none)"]),
        ({"y": "loss"}, ["own.y = 'loss'", "nc1, "]),
        ({"y": "train_los"}, ["own.y = 'train_los'", "did you mean 'train_loss'?"]),
        ({"x": "gain", "y": "solve_residual"}, ["no kind of run has all of"]),
        ({"stage": None}, ["deep_rfm, networks all have what it shows", "stage"]),
    ],
)
def test_what_a_sweep_cannot_show_is_refused(figure, parts):
    message = refusal(config("own", SWEPT, **SWEEP | {"stage": "MX"} | figure))
    assert message.startswith("studies.mine.figures.own")
    for part in parts:
        assert part in message


def test_kind_is_told_by_stage_filter_or_what_the_study_has():
    """Width and nc1 are of Deep RFM and of networks."""
    others = {
        "deep_rfm": [{"width": [8, 16], "datasets": ["first"]}],
        "networks": [{"model": "mlp", "width": [8, 16], "datasets": ["first"]}],
    }
    for given, kind in (
        ({"stage": "PhiMX"}, "deep_rfm"),
        ({"stage": "input"}, "networks"),
        ({"rows": [{"kernel": "laplace"}]}, "deep_rfm"),
        ({"rows": [{"model": "mlp"}]}, "networks"),
        ({"by": "model"}, "networks"),
    ):
        assert {run.kind for run in drawing("own", others, **SWEEP | given).runs} == {kind}
    for kind in others:  # whatever other studies have
        (gone,) = set(others) - {kind}
        found = drawing("own", others | {gone: []}, **SWEEP)
        assert {run.kind for run in found.runs} == {kind}


# Overlays


def test_lines_of_an_overlay_are_named_by_their_filters():
    lines = [{"gain": 1, "model": "mlp"}, {"gain": 0.01, "dataset": "first", "model": "vgg11"}]
    found = drawing("own", SWEPT, plot="overlay", y="nfa", lines=lines)
    assert shown(found) == ["first mlp,gain=1", "first vgg11,gain=0.01"]
    assert labels(found) == ["gain = 1, MLP", "gain = 0.01, first, VGG-11"]
    assert found.options == {
        "table": "network_nfa",
        "y": "nfa",
        "stage": None,
        "layer": "last",
        "epoch": "last",
        "x": "epoch",
    }
    assert found.tables == ("network_nfa", "network_training")
    assert len(found.runs) == 4


def test_a_filter_with_several_runs_names_them_by_themselves():
    found = drawing("own", SWEPT, plot="overlay", y="nfa", lines=[{"model": "mlp"}])
    assert labels(found) == ["first, MLP, gain = 0.01", "first, MLP, gain = 1"]
    # Each once, under the first filter that it passes.
    lines = [{"gain": 1, "model": "mlp"}, {"model": "mlp"}]
    found = drawing("own", SWEPT, plot="overlay", y="nfa", lines=lines)
    assert labels(found) == ["gain = 1, MLP", "first, MLP, gain = 0.01"]


def test_labels_that_would_be_the_same_are_told_apart_by_names():
    others = {"deep_rfm": [{"name": "a", "depth": 3}, {"name": "b", "depth": 3}]}
    lines = [{"run": ["a", "b"], "dataset": "first"}]
    found = drawing("own", others, plot="overlay", y="nc1", stage="X", lines=lines)
    assert len(set(labels(found))) == 2


def test_overlay_without_lines_shows_every_run_of_its_kind():
    found = drawing("own", SWEPT, plot="overlay", y="solve_residual")
    assert len(shown(found)) == 8
    assert found.options["x"] == "layer"
    assert found.options["stage"] == "MX"


def test_overlay_of_networks_against_the_layer():
    lines = [{"model": "mlp"}]
    found = drawing("own", SWEPT, plot="overlay", y="nc2", x="layer", epoch=0, lines=lines)
    assert found.options["x"] == "layer"
    assert found.options["epoch"] == 0
    assert found.options["stage"] == "full"


def test_layers_of_gram_matrices_begin_with_the_input():
    given = {"plot": "overlay", "y": "within_mean", "x": "layer"}
    assert drawing("own", SWEPT, **given).options["table"] == "gram"
    sweep = SWEEP | {"y": "within_mean", "rows": [{"ridge": 0.1}]}
    assert drawing("own", SWEPT, **sweep, layer=4).options["layer"] == 4
    assert "has layer 1, 2, 3, 4" in refusal(config("own", SWEPT, **sweep, layer=5))


# Networks of one's own


@pytest.fixture
def own(tmp_path, monkeypatch) -> dict[str, Any]:
    """A block of own_networks, whose files are there."""
    monkeypatch.chdir(tmp_path)
    return own_network(tmp_path) | {"datasets": ["first"], "layers": ["conv1", "fc"]}


def test_layers_of_ones_own_networks(own):
    others = {"own_networks": [own, own | {"name": "other", "layers": "all"}]}
    found = drawing("own", others, plot="network_layers")
    assert labels(found) == ["first, small", "first, other"]
    assert found.tables == ("network_layers",)
    assert found.options == {"stage": "right", "epochs": None}
    found = drawing("own", others, plot="network_layers", stage="input", rows=[{"run": "other"}])
    assert shown(found) == ["first other"]
    assert found.options == {"stage": "input", "epochs": None}
    message = refusal(config("own", others, plot="network_layers", stage="MX"))
    assert "own.stage = 'MX' is not one of input, right, full" in message


def test_measures_of_ones_own_networks(own):
    only = {"deep_rfm": [], "networks": [], "own_networks": [own]}
    found = drawing("own", only, plot="overlay", y="nc1")
    assert (found.tables, found.options["x"]) == (("network_layers",), "layer")
    assert found.options["stage"] == "right"
    found = drawing("own", only, plot="overlay", y="nfa")
    assert found.options["stage"] is None
    for place, message in (
        ({"stage": "input"}, "nfa of network_layers has no stage"),
        ({"epoch": 3, "x": "layer"}, "own.epoch: small was trained elsewhere, and has no epochs"),
        ({"x": "epoch"}, "own.x: small was trained elsewhere, and has no epochs"),
    ):
        assert message in refusal(config("own", only, plot="overlay", y="nfa", **place))
    both = only | {"own_networks": [own, own | {"name": "other", "loss": "mse"}]}
    sweep = {"plot": "sweep", "x": "loss", "y": "nfa"}
    assert drawing("own", both, **sweep, layer=2).options["layer"] == 2
    message = refusal(config("own", both, **sweep, layer=3))
    assert "own.layer = 3: small has layer 1, 2" in message
    # Which layers "all" are, only the network's measurement will say.
    every = both | {"own_networks": [block | {"layers": "all"} for block in both["own_networks"]]}
    assert drawing("own", every, **sweep, layer=3).options["layer"] == 3


def test_epochs_of_ones_own_networks(own, tmp_path):
    """Of a single network that is trained here some, of several the last."""
    here = trained_network(tmp_path, name="here", datasets=["first"], measure_every=4)

    def epochs(*blocks: dict, **figure: Any) -> list[int] | None:
        only = {"deep_rfm": [], "networks": [], "own_networks": list(blocks)}
        return drawing("own", only, plot="network_layers", **figure).options["epochs"]

    assert epochs(here) == [0, 8, 16, 20, 25]
    assert epochs(here | {"measure_every": 5}) == [0, 5, 10, 20, 25]
    assert epochs(here | {"measure_every": 25}) == [0, 25]
    assert epochs(here, epoch="last") is None
    assert epochs(here, epoch=8) == [8]
    assert epochs(own, here) is None
    assert epochs(own, here, rows=[{"run": "here"}]) == [0, 8, 16, 20, 25]
    assert epochs(here, here | {"name": "other"}, epoch=8) == [8]
    both = {"deep_rfm": [], "networks": [], "own_networks": [own, here]}
    for figure, message in (
        ({"plot": "network_layers", "epoch": 8}, "own.epoch: small was trained elsewhere"),
        ({"plot": "network_layers", "epoch": 9, "rows": [{"run": "here"}]}, "here has epoch 0, 4,"),
        ({"plot": "overlay", "y": "nfa", "x": "epoch"}, "own.x: small was trained elsewhere"),
    ):
        assert message in refusal(config("own", both, **figure))
    lines = [{"run": "here"}]
    found = drawing("own", both, plot="overlay", y="nfa", x="epoch", layer=2, lines=lines)
    assert (found.options["x"], found.options["layer"]) == ("epoch", 2)


# Every kind


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_rows_and_options_are_plain(kind, own):
    given = {
        "sweep": SWEEP | {"rows": [{"ridge": 0.1}]},
        "overlay": {"y": "nfa"},
        "ablation": {"rows": [{"projection": "identity"}]},
    }
    others = SWEPT if kind in ("sweep", "overlay") else {"own_networks": [own]}
    found = drawing("own", others, **{"plot": kind} | given.get(kind, {}))
    plain: list[Any] = [found.rows, found.options, list(found.tables)]
    while plain:
        value = plain.pop()
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        plain += value.values() if isinstance(value, dict) else value if type(value) is list else []
    assert all(row["runs"] for row in found.rows)


@pytest.mark.parametrize("kind", FIGURE_KINDS)
def test_a_kind_without_runs_is_refused_unless_it_is_a_simulation(kind):
    others = {"deep_rfm": [], "networks": []}
    figure = {"plot": kind}
    if kind in ("sweep", "overlay"):
        figure |= {"y": "nfa"} | ({"x": "gain"} if kind == "sweep" else {})
    if FIGURE_KINDS[kind].rows is no_rows:
        assert drawing("own", others, **figure).runs == ()
    else:
        message = refusal(config("own", others, **figure))
        assert message == "studies.mine.figures.own: the study has no run that it could show"


def test_measures_are_the_numbers_of_the_tables_of_one_run():
    """Those that tell more apart than layer, epoch and stage are no measure of a run."""
    for tables in MEASURES.values():
        for table, columns in tables.items():
            schema = MEASURED[table]
            numbers = [field.name for field in schema if str(field.type) == "double"]
            assert list(columns) == numbers
    left_out = set(MEASURED) - {table for tables in MEASURES.values() for table in tables}
    finer = {"gram_picture", "classes", "agop_spectrum", "network_ansatz", "network_spectrum"}
    assert left_out == finer
    assert set(TRUST.values()) <= set(MEASURED)


def test_measures_have_one_meaning_within_a_kind_of_run():
    for tables in MEASURES.values():
        columns = [column for of_table in tables.values() for column in of_table]
        assert len(set(columns)) == len(columns)


def test_settings_of_registries_are_settings():
    every = {name for block in RUN_KINDS.values() for name in block.model_fields}
    assert set(REGISTRIES) <= every
    assert all(re.fullmatch("[A-Za-z]+", stage) for stages in STAGES.values() for stage in stages)
