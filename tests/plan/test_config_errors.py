"""What the configuration refuses, and in which words: key path, value, what is allowed."""

import copy
import math
import re
from pathlib import Path

import pytest
import yaml
from agop_collapse.plan.config_errors import ConfigError, as_yaml
from agop_collapse.plan.configuration import load
from configurations import changed, config_of, example, own_network, refusal, trained_network
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

IMAGES = "studies.mine.datasets.first"
MISTAKES = [
    # key of the study, its value, what the line must hold: place, value, what is allowed
    ("seed", [1], ["studies.mine ", "'seed'", "did you mean 'seeds'?", "torch_threads"]),
    ("seeds", 3, ["studies.mine.seeds = 3", "array"]),
    ("seeds", [], ["studies.mine.seeds", "empty"]),
    ("seeds", [0, 0], ["studies.mine.seeds = [0, 0]", "twice"]),
    ("seeds", [-1], ["studies.mine.seeds[0] = -1", "at least 0"]),
    ("seeds", [True], ["studies.mine.seeds[0] = True", "integer"]),
    # JSON Schema would take this for an integer; a path does not.
    ("seeds", [3, 1.0], ["studies.mine.seeds[1] = 1.0", "integer"]),
    (
        "seeds",
        [2**63],
        ["studies.mine.seeds[0] = 9223372036854775808", "9,223,372,036,854,775,807"],
    ),
    ("device", "gpu", ["studies.mine.device = 'gpu'", "auto, cpu, cuda"]),
    ("keep", "table", ["studies.mine.keep = 'table'", "all, tables", "did you mean 'tables'?"]),
    ("device", "cudo", ["studies.mine.device = 'cudo'", "did you mean 'cuda'?"]),
    ("description", 3, ["studies.mine.description = 3", "string"]),
    ("torch_threads", 0, ["studies.mine.torch_threads = 0", "at least 1"]),
    ("torch_threads", 1.5, ["studies.mine.torch_threads = 1.5", "integer"]),
    ("torch_threads", 10**6, ["studies.mine.torch_threads = 1000000", "at most 1,024"]),
    # Data sets
    ("datasets", {}, ["studies.mine.datasets", "empty"]),
    ("datasets", ["digits"], ["studies.mine.datasets = ['digits']", "object"]),
    ("datasets", {"1st": {"kind": "digits", "n": 9}}, ["studies.mine.datasets", "'1st'", "letter"]),
    (
        "datasets",
        {"a\n": {"kind": "digits", "n": 9}},
        ["studies.mine.datasets", r"'a\n'", "letter"],
    ),
    ("datasets.first", {"kind": "digits"}, [f"{IMAGES}: n must be given"]),
    ("datasets.first", {"n": 9}, [f"{IMAGES}: kind must be given"]),
    ("datasets.first.N", 9, [f"{IMAGES} ", "'N'", "standardize_test"]),
    ("datasets.first.n", 1, [f"{IMAGES}.n = 1", "at least 2"]),
    ("datasets.first.n", 10**12, [f"{IMAGES}.n = 1000000000000", "at most 10,000,000"]),
    ("datasets.first.n", 10**30, [f"{IMAGES}.n = 1{'0' * 30}", "at most 10,000,000"]),
    ("datasets.first.n", 200.0, [f"{IMAGES}.n = 200.0", "integer"]),
    ("datasets.first.n", "many", [f"{IMAGES}.n = 'many'", "integer"]),
    ("datasets.first.n", [9], [f"{IMAGES}.n = [9]", "integer"]),
    ("datasets.first.n_test", -1, [f"{IMAGES}.n_test = -1", "at least 0"]),
    ("datasets.first.path", "x", [f"{IMAGES}.path = 'x'", "image_folder or npz, not digits"]),
    ("datasets.first.size", 8, [f"{IMAGES}.size = 8", "image_folder, not digits"]),
    ("datasets.first.kind", "npz", [f"{IMAGES}: path must be given"]),
    ("datasets.first.kind", "digit", [".first.kind = 'digit'", "mnist", "did you mean 'digits'?"]),
    (
        "datasets.first",
        {"kind": "npz", "n": 9, "path": "no/such.npz"},
        [f"{IMAGES}.path = 'no/such.npz'", "no such file in", str(Path.cwd())],
    ),
    (
        "datasets.first",
        {"kind": "npz", "n": 9, "path": "."},
        [f"{IMAGES}.path = '.'", "no such file in"],
    ),
    (
        "datasets.first",
        {"kind": "image_folder", "n": 9, "path": ".", "test_path": "no/such"},
        [f"{IMAGES}.test_path = 'no/such'", "no such folder in", str(Path.cwd())],
    ),
    ("datasets.first", {"kind": "npz", "n": 9, "path": ""}, [f"{IMAGES}.path must not be empty"]),
    (
        "datasets.first.layout",
        "channels_last",
        [f"{IMAGES}.layout = 'channels_last' is for the kind"],
    ),
    (
        "datasets.first",
        {"kind": "image_folder", "n": 9, "path": ".", "background": "red"},
        [f"{IMAGES}.background = 'red' is not one of white, black"],
    ),
    # Blocks of runs
    ("deep_rfm", {"depth": 3}, ["studies.mine.deep_rfm = {'depth': 3}", "array"]),
    ("deep_rfm", None, ["studies.mine.deep_rfm = None", "array"]),
    ("deep_rfm[0]", None, ["studies.mine.deep_rfm[0] = None", "object"]),
    ("deep_rfm[0].ridg", 0.1, ["studies.mine.deep_rfm[0] ", "'ridg'", "did you mean 'ridge'?"]),
    ("deep_rfm[0].nam", "x", ["studies.mine.deep_rfm[0] ", "'nam'", "did you mean 'name'?"]),
    ("deep_rfm[0].ridge", -0.1, ["studies.mine.deep_rfm[0].ridge = -0.1", "at least 0"]),
    ("deep_rfm[0].ridge", math.nan, ["studies.mine.deep_rfm[0].ridge = nan", "finite"]),
    ("deep_rfm[0].ridge", True, ["studies.mine.deep_rfm[0].ridge = True", "number"]),
    ("deep_rfm[0].ridge", None, ["studies.mine.deep_rfm[0].ridge = None", "number"]),
    ("deep_rfm[0].bandwidth", 0, ["studies.mine.deep_rfm[0].bandwidth = 0", "greater than 0"]),
    ("deep_rfm[0].bandwidth", math.inf, ["deep_rfm[0].bandwidth = inf", "finite"]),
    ("deep_rfm[0].width", 10**12, ["deep_rfm[0].width = 1000000000000", "at most 1,000,000"]),
    ("deep_rfm[0].depth", 10**6, ["deep_rfm[0].depth = 1000000", "at most 1,000"]),
    ("deep_rfm[0].kernel", "laplacian", [".kernel = 'laplacian'", "laplace, gaussian, matern32"]),
    ("deep_rfm[0].kernel", "laplac", ["did you mean 'laplace'?", "module:object of your own"]),
    ("deep_rfm[0].kernel", "no_such:k", [".kernel = 'no_such:k'", "no no_such.py in"]),
    ("deep_rfm[0].kernel", "a.b:k", [".kernel = 'a.b:k'", str(Path("no a") / "b.py in")]),
    ("deep_rfm[0].kernel", "ké:k", ["deep_rfm[0].kernel = 'ké:k'", "is not one of laplace"]),
    ("deep_rfm[0].precision", "float16", [".precision = 'float16'", "float64, float32"]),
    ("deep_rfm[2].n_features", 64.0, [".deep_rfm[2].n_features = 64.0", "'input_dim'", "integer"]),
    ("deep_rfm[2].n_features", "input", [".deep_rfm[2].n_features = 'input'", "'input_dim'", "1"]),
    ("deep_rfm[2].n_features", 0, ["studies.mine.deep_rfm[2].n_features = 0", "'input_dim'", "1"]),
    ("deep_rfm[2].n_features", 10**9, [".n_features = 1000000000", "'input_dim'", "1,000,000"]),
    ("deep_rfm[1].datasets", "second", [".deep_rfm[1].datasets = 'second'", "'all'", "list"]),
    ("deep_rfm[1].datasets", [], [".deep_rfm[1].datasets = []", "'all'", "list"]),
    ("deep_rfm[1].datasets", ["third"], [".deep_rfm[1].datasets = 'third'", "first, second"]),
    ("deep_rfm[1].datasets", ["secnd"], ["did you mean 'second'?"]),
    ("deep_rfm[1].datasets", ["first", "first"], [".deep_rfm[1].datasets = ['first', ", "twice"]),
    ("deep_rfm[0].name", 3, ["studies.mine.deep_rfm[0].name = 3", "a letter first"]),
    ("deep_rfm[0].name", "", ["studies.mine.deep_rfm[0].name = ''", "a letter first"]),
    ("deep_rfm[0].name", "a b", ["studies.mine.deep_rfm[0].name = 'a b'", "letters, digits"]),
    ("deep_rfm[0].name", "a,b", ["studies.mine.deep_rfm[0].name = 'a,b'", "letters, digits"]),
    ("deep_rfm[0].name", "a\n", [r"studies.mine.deep_rfm[0].name = 'a\n'", "letters, digits"]),
    ("deep_rfm[0].name", "../a", ["studies.mine.deep_rfm[0].name = '../a'", "letters, digits"]),
    ("networks[0]", {}, ["studies.mine.networks[0]", "model must be given"]),
    ("networks[0].lr", 0.1, ["studies.mine.networks[0] ", "'lr'", "learning_rate"]),
    ("networks[0].momentum", 1, ["studies.mine.networks[0].momentum = 1", "less than 1"]),
    ("networks[0].epochs", 10**9, ["networks[0].epochs = 1000000000", "at most 1,000,000"]),
    ("networks[0].epochs", 0, ["studies.mine.networks[0].epochs = 0", "at least 1"]),
    ("networks[0].width", 10**12, ["networks[0].width = 1000000000000", "at most 1,000,000"]),
    ("networks[0].loss", "mes", [".loss = 'mes'", "mse, cross_entropy", "did you mean 'mse'?"]),
    ("features", {"epochs": [7]}, [".features.epochs: no run", "has 7; there are: 0, 10, 20, 25"]),
    ("features", {"layers": [9]}, [".features.layers: no run of the study has 9; there are: 0, 1"]),
    ("features", {"epochs": "first"}, [".features.epochs = 'first'", "last"]),
    ("features", {"stages": ["X"]}, ["stages"]),
    ("networks[0].activation", "relu6", [".activation = 'relu6'", "relu, linear"]),
    ("networks[0].model", "mpl", [".networks[0].model = 'mpl'", "did you mean 'mlp'?", "backbone"]),
    ("networks[0].model", "net-1", ["studies.mine.networks[0].model", "'net-1'", "letters"]),
    ("networks[0].backbone", "my.py", ["networks[0].backbone", "'my.py'", "module:function"]),
    ("networks[0].backbone", "my:net", [".model = 'mlp'", "'my:net'", "another name"]),
    (
        "networks[0]",
        {"model": "own", "backbone": "no:net"},
        ["networks[0].backbone = 'no:net'", "no no.py in", str(Path.cwd())],
    ),
    ("networks[0].arithmetic", "fp16", [".arithmetic = 'fp16'", "float32, tf32, bf16"]),
    ("networks[0].recreate_optimizer", "no", [".recreate_optimizer = 'no'", "boolean"]),
    ("theory_kernel", {"draws": 1}, ["studies.mine.theory_kernel.draws = 1", "at least 2"]),
    ("theory_kernel", [], ["studies.mine.theory_kernel = []", "object"]),
    ("theory", {"layers": 2}, ["studies.mine.theory.layers = 2", "at least 3"]),
    ("theory", {"ridges": [1.0, 1.0]}, ["theory.ridges", "must not hold anything twice"]),
    # Sweeps
    ("deep_rfm[0].ridge", [], ["studies.mine.deep_rfm[0].ridge must not be empty"]),
    ("deep_rfm[0].ridge", [0.1, -0.1], ["studies.mine.deep_rfm[0].ridge[1] = -0.1", "at least 0"]),
    ("deep_rfm[0].ridge", [0.1, "1e-3"], ["deep_rfm[0].ridge[1] = '1e-3'", "write 0.001"]),
    ("deep_rfm[0].ridge", [[0.1]], ["studies.mine.deep_rfm[0].ridge[0] = [0.1]", "number"]),
    ("deep_rfm[0].ridge", [0.1, 0.1], ["deep_rfm[0].ridge = [0.1, 0.1]", "twice"]),
    ("deep_rfm[0].ridge", [1, 1.0], ["deep_rfm[0].ridge = [1, 1.0]", "twice"]),
    ("deep_rfm[0].kernel", ["laplace", "gauss"], [".kernel[1] = 'gauss'", "matern52"]),
    ("deep_rfm[0].kernel", ["laplace", "no:k"], ["deep_rfm[0].kernel = 'no:k'", "no no.py in"]),
    ("networks[0].model", ["mlp", "vgg12"], ["networks[0].model = 'vgg12'", "mean 'vgg11'"]),
    ("networks[0].gain", [0.1, 0], ["studies.mine.networks[0].gain[1] = 0", "greater than 0"]),
    ("deep_rfm[2].n_features", ["input", 9], [".n_features[0] = 'input'", "'input_dim'", "1"]),
    # Figures
    ("figures", ["fig03"], ["studies.mine.figures = ['fig03']", "object"]),
    ("figures", {"my fig": {"plot": "gram"}}, ["studies.mine.figures", "'my fig'", "letters"]),
    ("figures.fig03", True, ["studies.mine.figures.fig03 = True", "object or null"]),
    (
        "figures.fig3",
        None,
        ["studies.mine.figures.fig3 ", "did you mean 'fig03'?", "fig10", "gram"],
    ),
    ("figures.own", {"rows": [{"width": 64}]}, ["studies.mine.figures.own ", "plot", "overlay"]),
    ("figures.own", {"plot": "swep"}, [".figures.own.plot = 'swep'", "did you mean 'sweep'?"]),
    ("figures.fig03", {"plot": "gram"}, ["fig03.plot = 'gram'", "is a deep_rfm_curves", "another"]),
    ("figures.fig05.layrs", [1], ["studies.mine.figures.fig05 ", "did you mean 'layers'?"]),
    ("figures.fig05.layer", 1, ["studies.mine.figures.fig05.layer", "the plot gram", "layers"]),
    ("figures.fig07", {"nc2": "nc2"}, ["studies.mine.figures.fig07.nc2", "the plot decomposition"]),
    ("figures.inits.rows", [{"gain": 1.0}], ["figures.inits.rows is not for", "overlay", "lines"]),
    ("figures.v1_fig04", {"rows": [{"gain": 1}]}, ["v1_fig04.rows is not for", "theory_kernel"]),
    ("figures.fig03", {"rows": []}, ["studies.mine.figures.fig03.rows must not be empty"]),
    ("figures.fig03", {"rows": {"width": 9}}, ["figures.fig03.rows = {'width': 9}", "array"]),
    ("figures.fig03", {"rows": [{}]}, ["studies.mine.figures.fig03.rows[0]", "empty"]),
    ("figures.fig03", {"rows": [3]}, ["studies.mine.figures.fig03.rows[0] = 3", "object"]),
    (
        "figures.fig03",
        {"rows": [{"width": 1024}, {"width": []}]},
        ["figures.fig03.rows[1] = {'width': []}", "width must be a value or a list of values"],
    ),
    ("figures.fig03", {"rows": [{"width": None}]}, [".fig03.rows[0] = ", "width must be a value"]),
    ("figures.fig03", {"rows": [{"model": "mlp"}]}, ["fig03.rows", "'model'", "feature_map"]),
    ("figures.fig03", {"rows": [{"widht": 9}]}, ["fig03.rows", "'widht'", "did you mean 'width'?"]),
    ("figures.fig03", {"rows": [{"study": "othr"}]}, ["fig03.rows[0].study = 'othr'", "'other'?"]),
    (
        "figures.inits.lines",
        [{"study": "x"}],
        ["figures.inits.lines[0].study = 'x'", "mine, other"],
    ),
    ("figures.inits.lines", [{"gian": 1}], ["inits.lines", "'gian'", "did you mean 'gain'?"]),
    ("figures.fig07", {"rows": [{"dataset": "second"}]}, ["fig07", "no run has dataset: second"]),
    (
        "figures.fig03",
        {"rows": [{"run": "laplase-relu-agop"}]},
        ["fig03: no run has run: laplase-relu-agop", "did you mean 'laplace-relu-agop'?"],
    ),
    (
        "figures.fig07",
        {"rows": [{"gain": 0.3, "dataset": "frist"}]},
        ["fig07: no run has gain: 0.3, dataset: frist (did you mean 'first'?)"],
    ),
    ("figures.fig03", {"title": 3}, ["studies.mine.figures.fig03.title = 3", "string"]),
    ("figures.fig03", {"size": [5.5]}, ["figures.fig03.size = [5.5]", "2 values"]),
    ("figures.fig03", {"size": [1, 2, 3]}, ["figures.fig03.size = [1, 2, 3]", "2 values"]),
    ("figures.fig03", {"size": [5, 0]}, ["studies.mine.figures.fig03.size[1] = 0", "greater"]),
    ("figures.fig03", {"nc2": "nc3"}, ["figures.fig03.nc2 = 'nc3'", "nc2, nc2_over_k2"]),
    ("figures.fig05", {"layers": [0]}, ["studies.mine.figures.fig05.layers[0] = 0", "at least 1"]),
    ("figures.fig05", {"layers": [2, 2]}, ["figures.fig05.layers = [2, 2]", "twice"]),
    ("figures.fig05", {"layers": [2, 5]}, ["fig05.layers = [2, 5]", "depth 3", "(the input) to 4"]),
    ("figures.v1_fig02", {"layers": [4]}, ["v1_fig02.layers = [4]", "depth 3", "(the input) to 3"]),
    ("figures.spectrum", {"layers": [4]}, ["spectrum.layers = [4]", "depth 3", "layers 1 to 3"]),
    ("figures.fig09", None, ["studies.mine.figures.fig09", "no run has model: vgg11"]),
    # Sweeps and overlays
    ("figures.own", {"plot": "sweep", "y": "nc1"}, ["studies.mine.figures.own", "x must be given"]),
    ("figures.own", {"plot": "overlay"}, ["studies.mine.figures.own", "y must be given"]),
    ("figures.widths.y", "nc5", ["figures.widths.y = 'nc5'", "nc1, ", "did you mean 'nc"]),
    ("figures.widths.y", "valid", ["figures.widths.y = 'valid'", "train_mse"]),
    ("figures.widths.x", "widht", ["figures.widths.x = 'widht'", "did you mean 'width'?"]),
    ("figures.widths.x", "nc1", ["figures.widths.x = 'nc1' is not one of kernel, "]),
    ("figures.widths.x", "dataset", ["figures.widths.x = 'dataset' is not one of kernel, "]),
    ("figures.widths.by", "seed", ["figures.widths.by = 'seed' is not one of study, dataset"]),
    ("figures.widths.by", "nc1", ["figures.widths.by = 'nc1' is not one of study, dataset"]),
    ("figures.widths.x", "gain", ["figures.widths: no kind of run", "has all of nc1, gain, ridge"]),
    ("figures.widths.x", "depth", ["figures.widths", "have the same depth and ridge", "`by`"]),
    ("figures.widths.stage", "mx", ["figures.widths.stage = 'mx'", "X, MX, PhiMX"]),
    ("figures.widths.stage", "full", ["figures.widths.stage = 'full'", "X, MX, PhiMX"]),
    ("figures.widths.layer", 4, ["figures.widths.layer = 4", "has layer 1, 2, 3"]),
    ("figures.widths.layer", "first", ["figures.widths.layer = 'first'", "'last'"]),
    ("figures.widths.epoch", 3, ["figures.widths.epoch = 3", "the table deep_rfm has no epoch"]),
    ("figures.inits.epoch", 7, ["figures.inits.epoch = 7: epoch is on the x axis"]),
    ("figures.inits.layer", 6, ["figures.inits.layer = 6", "has layer 1, 2, ..., 5"]),
    ("figures.inits.stage", "full", ["figures.inits.stage = 'full'", "network_nfa has no stage"]),
    ("figures.inits.x", "gain", ["figures.inits.x = 'gain' is not one of layer, epoch"]),
    (
        "figures.own",
        {"plot": "overlay", "y": "nc1", "x": "epoch", "lines": [{"kernel": "laplace"}]},
        ["figures.own.x = 'epoch' is not one of layer"],
    ),
    (
        "figures.own",
        {"plot": "overlay", "y": "train_loss", "x": "layer"},
        ["figures.own.x = 'layer' is not one of epoch"],
    ),
    (
        "figures.own",
        {"plot": "sweep", "x": "gain", "y": "nc1", "epoch": 5, "rows": [{"epochs": 25}]},
        ["figures.own.epoch = 5", "mlp has epoch 0, 10, 20, 25"],
    ),
    (
        "figures.own",
        {"plot": "sweep", "x": "gain", "y": "train_loss", "layer": 5},
        ["figures.own.layer = 5", "network_training has no layer"],
    ),
    ("figures.own", {"plot": "overlay", "y": "nc1"}, ["figures.own: deep_rfm, networks all"]),
]
MISTAKE_NAMES = [f"{path} = {value!r}"[:60] for path, value, _ in MISTAKES]


@pytest.mark.parametrize(("path", "value", "parts"), MISTAKES, ids=MISTAKE_NAMES)
def test_mistake_is_one_line_with_its_place_value_and_what_is_allowed(path, value, parts):
    message = refusal(changed(path, value))
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_mistake_in_any_study_is_found():
    config = example()
    config["studies"]["last"] = {"datasets": {"d": {"kind": "digits", "n": 0}}}
    assert refusal(config) == "studies.last.datasets.d.n = 0 must be at least 2"


def test_all_mistakes_are_told_at_once():
    config = changed("device", "gpu")
    study = config["studies"]["mine"]
    study["seeds"] = []
    study["deep_rfm"][0] |= {"ridge": [0.1, -1.0], "kernel": "cauchy", "widht": 3, "datasets": 3}
    study["networks"][0] |= {"gain": 0, "epochs": "1e2"}
    study["figures"] |= {"fig99": None, "fig03": {"rows": []}}
    config["studies"]["other"]["datasets"]["first"]["n"] = 1
    config["studies"]["2nd"] = {}
    config["stdy"] = "mine"
    assert [re.match(r"[^ :]+", line)[0] for line in refusal(config).splitlines()] == [
        "studies.mine.deep_rfm[0]",
        "studies.mine.deep_rfm[0].datasets",
        "studies.mine.deep_rfm[0].kernel",
        "studies.mine.deep_rfm[0].ridge[1]",
        "studies.mine.device",
        "studies.mine.figures.fig03.rows",
        "studies.mine.figures.fig99",
        "studies.mine.networks[0].epochs",
        "studies.mine.networks[0].gain",
        "studies.mine.seeds",
        "studies.other.datasets.first.n",
        "studies",
        "the",
    ]


def test_figure_without_its_runs_is_refused():
    config = changed("figures", {"fig07": None})
    config["studies"]["mine"]["networks"] = []
    assert refusal(config) == (
        "studies.mine.figures.fig07: no run has model: mlp; add one to the study, or leave the "
        "figure out"
    )
    assert refusal(config_of(figures={"own": {"plot": "gram"}})) == (
        "studies.mine.figures.own: the study has no run that it could show"
    )


def test_all_figures_that_cannot_be_drawn_are_told_at_once():
    figures = {"fig01": None, "fig09": None, "fig05": {"layers": [9]}}
    lines = refusal(changed("figures", figures) | {}).splitlines()
    assert [line.split(":")[0].split(" ")[0] for line in lines] == [
        "studies.mine.figures.fig05.layers",
        "studies.mine.figures.fig09",
    ]


@pytest.mark.parametrize("config", [{}, {"studies": None}, {"studies": {}}, {"studies": []}])
def test_configuration_without_studies_is_refused(config):
    assert re.search("studies (must|=)|studies must be given", refusal(config))


def test_study_without_data_sets_is_refused():
    assert refusal({"studies": {"demo": {}}}) == "studies.demo: datasets must be given"


@pytest.mark.parametrize(
    ("study", "reason"),
    [
        ("paper", "study = 'paper' is not one of mine, other"),
        ("othr", "study = 'othr' is not one of mine, other (did you mean 'other'?)"),
        (3, "study = 3 must be of type string"),
    ],
)
def test_default_study_must_be_one_of_the_studies(study, reason):
    assert refusal(example() | {"study": study}) == reason


def test_strict_claims_is_true_or_false():
    assert not load(example()).strict_claims
    assert load(example() | {"strict_claims": True}).strict_claims
    # As --config has it.
    assert load(example() | {"strict_claims": "true"}).strict_claims
    assert not load(example() | {"strict_claims": "false"}).strict_claims
    for wrong in ("yes", 1, None, ["true"]):
        expected = f"strict_claims = {wrong!r} must be of type boolean"
        assert refusal(example() | {"strict_claims": wrong}) == expected


def test_data_root_must_be_a_path():
    assert refusal(example() | {"data_root": 3}) == "data_root = 3 must be of type string"
    assert refusal(example() | {"data_root": ""}) == "data_root must not be empty"
    assert refusal(example() | {"data_root": __file__}).endswith("a folder, and is a file")
    assert "Snakemake takes { and } for its own" in refusal(example() | {"data_root": "da{ta"})


def test_own_data_may_lie_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = {"kind": "image_folder", "n": 9, "path": "~/photos"}
    reason = refusal(changed("datasets.first", folder))
    assert f"path = '{tmp_path}/photos': no such folder" in reason
    (tmp_path / "photos").mkdir()
    datasets = load(changed("datasets.first", folder)).studies["mine"].datasets
    assert datasets["first"].path == str(tmp_path / "photos")


@pytest.mark.parametrize(("n", "batch_size"), [(257, 128), (257, 1), (257, 256)])
def test_a_batch_of_one_point_is_none_for_batch_normalisation(n, batch_size):
    config = config_of(datasets={"small": {"kind": "digits", "n": n}})
    block = {"model": "resnet18", "batch_size": batch_size}
    config["studies"]["mine"]["networks"] = [block]
    reason = refusal(config)
    assert f"studies.mine.networks[0].batch_size = {batch_size}: the {n} points of small" in reason
    for fits in (block | {"model": "mlp"}, block | {"batch_size": 100}):
        config["studies"]["mine"]["networks"] = [fits]
        load(config)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"network": None}, ".network = None must be of type string"),
        ({"network": "nets.py"}, ".network = 'nets.py' must be module:function"),
        ({"network": "no_nets:small"}, ".network = 'no_nets:small': no no_nets.py in"),
        ({"checkpoint": "no.pt"}, ".checkpoint = 'no.pt': no such file in"),
        ({"checkpoint": ""}, ".checkpoint must not be empty"),
        ({"checkpoint": ["a.pt", "b.pt"]}, ".checkpoint = ['a.pt', 'b.pt'] must be of type string"),
        (
            {"epochs": 3, "momentum": 0.9},
            ".momentum: a network with a checkpoint is measured, not trained; leave out momentum, "
            "epochs, or the checkpoint",
        ),
        ({"layers": []}, ".layers = [] must be of type string"),
        ({"layers": [1]}, ".layers = [1] must be of type string"),
        ({"loss": "mean"}, ".loss = 'mean' is not one of mse, cross_entropy"),
        ({"layer": "fc"}, " has the unknown key 'layer' (did you mean 'layers'?)"),
    ],
)
def test_networks_of_ones_own_are_checked_before_anything_is_done(
    given, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path)
    load(config_of(own_networks=[block]))
    found = refusal(config_of(own_networks=[block | given]))
    assert found.startswith(f"studies.mine.own_networks[0]{message}")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("network", "network must be given"),
        ("checkpoint", "checkpoint must be given, or epochs to train the network for"),
    ],
)
def test_networks_of_ones_own_must_say_what_they_are(key, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path)
    del block[key]
    found = refusal(config_of(own_networks=[block]))
    assert found == f"studies.mine.own_networks[0]: {message}"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": 0}, ".epochs = 0 must be at least 1"),
        ({"epochs": [2, 2]}, ".epochs = [2, 2] must not hold anything twice"),
        ({"momentum": 1}, ".momentum = 1 must be less than 1"),
        ({"gain": 0.3}, " has the unknown key 'gain'"),
    ],
)
def test_how_networks_of_ones_own_are_trained_is_checked(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = trained_network(tmp_path)
    load(config_of(own_networks=[block | {"learning_rate": [0.1, 0.01]}]))
    found = refusal(config_of(own_networks=[block | given]))
    assert found.startswith(f"studies.mine.own_networks[0]{message}")


def test_two_checkpoints_of_one_network_need_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path)
    (tmp_path / "other.pt").write_bytes(b"other")
    other = block | {"checkpoint": "other.pt"}
    message = refusal(config_of(own_networks=[block, other]))
    assert "are called small" in message
    assert message.endswith("Give one of them a name (name: ...)")  # and no sweep
    load(config_of(own_networks=[block, other | {"name": "other"}]))


def test_ablation_without_the_other_projection_is_refused():
    config = changed("figures", {"ablation": None})
    config["studies"]["mine"]["deep_rfm"][3]["kernel"] = "gaussian"
    config["studies"]["mine"]["deep_rfm"][3]["feature_map"] = "cos"
    message = refusal(config).splitlines()[0]
    assert message.startswith("studies.mine.figures.ablation: ")
    assert "Gaussian, cos, $M = I$ needs a run of each projection, agop and identity" in message


@pytest.mark.parametrize(("kernels", "depth"), [(2, 3), (3, 2), (2, 1), (5, 20)])
def test_kernels_are_one_or_as_many_as_layers(kernels, depth):
    block = {"kernel": " ".join(["laplace", "gaussian", "matern32", "linear", "laplace"][:kernels])}
    assert refusal(config_of(deep_rfm=[{"kernel": "laplace"}, block | {"depth": depth}])) == (
        f"studies.mine.deep_rfm[1].kernel = {block['kernel']!r} has {kernels} kernels, and the "
        f"depth is {depth}; give one kernel, or one for each layer"
    )
    load(config_of(deep_rfm=[block | {"depth": kernels}]))


def test_of_several_kernels_the_one_that_is_unknown_is_named():
    message = refusal(config_of(deep_rfm=[{"kernel": "laplace gausian", "depth": 2}]))
    assert message.startswith("studies.mine.deep_rfm[0].kernel = 'gausian' is not one of laplace,")
    assert message.endswith("or module:object of your own (did you mean 'gaussian'?)")


def test_own_code_that_is_no_python_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("wrong.py").write_text("def backbone(:\n")
    Path("latin.py").write_bytes(b"name = '\xe9'\n")
    network = {"model": "own", "backbone": "wrong:backbone"}
    message = refusal(config_of(networks=[network]))
    assert message.startswith("studies.mine.networks[0].backbone = 'wrong:backbone': wrong.py can")
    for kernel, depth in (("latin:k", 20), ("laplace latin:k", 2)):
        message = refusal(config_of(deep_rfm=[{"kernel": kernel, "depth": depth}]))
        assert message.startswith(
            "studies.mine.deep_rfm[0].kernel = 'latin:k': latin.py cannot be read"
        )


@pytest.mark.parametrize(
    ("module", "other"), [("torch", "torch/__init__.py"), ("random", "a module of its own")]
)
def test_own_code_must_not_be_called_like_a_library(tmp_path, monkeypatch, module, other):
    monkeypatch.chdir(tmp_path)
    Path(f"{module}.py").write_text("def b(): ...\n")
    message = refusal(config_of(networks=[{"model": "own", "backbone": f"{module}:b"}]))
    assert re.fullmatch(
        f"studies.mine.networks.0..backbone = '{module}:b': Python takes .*{other} by that name, "
        f"not {module}.py of the working folder; give your own another name",
        message,
    )


# YAML's numbers


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "-2e5", "3e+2", "1.5e3", "1e-9", "7.25e-11"])
def test_number_that_yaml_takes_for_text_is_explained(text):
    value = yaml.safe_load(text)
    if value != text:
        assert text == "7.25e-11"  # YAML 1.1 wants a point in a float, and a sign in its exponent
        value = "7.25E-11"
    message = refusal(changed("deep_rfm[0].ridge", value))
    assert message.startswith(f"studies.mine.deep_rfm[0].ridge = {value!r} must be of type number")
    advice = re.search(r"YAML takes this for text; write (\S+)\)", message)[1]
    assert yaml.safe_load(advice) == float(text)


@pytest.mark.parametrize("path", ["datasets.first.n", "deep_rfm[2].n_features"])
@pytest.mark.parametrize("text", ["1e3", "1.0e3"])
def test_advice_for_such_an_integer_works(path, text):
    advice = re.search(r"write (\S+)\)", refusal(changed(path, text)))[1]
    load(changed(path, yaml.safe_load(advice)))
    assert yaml.safe_load(advice) == 1000


@pytest.mark.parametrize("text", ["little", "", "nan", "inf", "1e400"])
def test_text_that_is_no_number_gets_no_such_advice(text):
    assert "YAML" not in refusal(changed("deep_rfm[0].ridge", text))


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans() | st.none())
def test_a_value_written_as_yaml_is_read_back(value):
    read = yaml.safe_load(as_yaml(value))
    assert read == value
    assert type(read) is type(value)


# Any configuration


KEYS = st.text("aé1_.- '", max_size=3) | st.integers() | st.none() | st.booleans()
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=3,
)


def places(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [path, *(found for name, item in inner for found in places(item, (*path, name)))]


@pytest.mark.parametrize(
    ("place", "first", "second"),
    [
        (("studies",), "mine", "Mine"),
        (("studies", "mine", "datasets"), "first", "First"),
        (("studies", "mine", "figures"), "fig05", "FIG05"),
    ],
)
def test_names_that_differ_in_capital_letters_only_are_refused(place, first, second):
    config = example()
    names = config
    for key in place:
        names = names[key]
    names[second] = names[first]
    where = ".".join(place)
    assert f"{where}: the names {first} and {second} differ in capital letters" in refusal(config)


def test_names_that_are_too_long_are_refused():
    config = changed("datasets", {"d" * 201: {"kind": "digits", "n": 300}})
    assert "is longer than 200 characters" in refusal(config)
    config = changed("deep_rfm[0].name", "x" * 195)
    config["studies"]["mine"]["deep_rfm"][0]["width"] = [8, 16]
    message = refusal(config)
    assert message.startswith("studies.mine.deep_rfm[0]: the run name xxx")
    assert "longer than 200 characters; give a shorter name" in message


@pytest.mark.parametrize(
    "name", ["a\n", "\n", "a\x00", "..", "a/b", "-x", "a b", "ä", "{x}", "*", ""]
)
def test_names_as_attackers_write_them_are_refused(name):
    config = example()
    config["studies"][name] = config["studies"].pop("other")
    assert refusal(config).startswith(f"studies: {name!r} must be letters, digits and _, a letter")
    for key in ("datasets", "figures"):
        config = example()
        config["studies"]["mine"][key][name] = None
        said = f"studies.mine.{key}: {name!r} must be letters, digits and _, a letter first"
        assert said in refusal(config).splitlines()
    said = refusal(changed("deep_rfm[0].name", name))
    assert said == (
        f"studies.mine.deep_rfm[0].name = {name!r} must be letters, digits, _, - and ., a letter "
        "first"
    )


@given(place=st.sampled_from(places(example())), junk=JUNK, name=KEYS)
@hypothesis_settings(max_examples=examples(200), suppress_health_check=[HealthCheck.too_slow])
def test_junk_anywhere_is_refused_in_words_if_at_all(place, junk, name):
    """Never by the traceback of some other exception."""
    for spoil in (replace, insert):
        config = spoil(copy.deepcopy(example()), place, junk, name)
        try:
            load(config)
        except ConfigError as error:
            for line in str(error).splitlines():
                assert re.match(r"(the configuration|data_root|strict_claims|stud(y|ies)\b)", line)


def replace(config: dict, place: tuple, junk: object, name: object) -> object:
    if not place:
        return junk
    parent = config
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = junk
    return config


def insert(config: dict, place: tuple, junk: object, name: object) -> dict:
    parent = config
    for part in place:
        parent = parent[part]
    if isinstance(parent, dict):
        parent[name] = junk
    elif isinstance(parent, list):
        parent.append(junk)
    return config
