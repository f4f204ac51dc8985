"""What a configuration is when it is loaded: defaults, the demo, the paper's studies."""

import itertools
from pathlib import Path

import pytest
import yaml
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.configuration import Study, data_root, load
from agop_collapse.plan.figure_kinds import PAPER_FIGURES
from configurations import example, study

ROOT = Path(__file__).parents[2]
# science.md, section 2.
DEEP_RFM = {
    "kernel": "laplace",
    "feature_map": "relu",
    "projection": "agop",
    "depth": 20,
    "bandwidth": 2.0,
    "ridge": 0.0,
    "iterations": 1,
    "agop_norm": "max",
    "agop_share": 1.0,
    "width": 1024,
    "weight_dist": "uniform",
    "feature_bias": 0.0,
    "n_features": 4096,
    "gamma": 0.05,
    "precision": "float64",
    "block_rows": 4096,
}
NETWORK = {
    "model": "mlp",
    "backbone": None,
    "hidden_layers": 5,
    "width": 512,
    "biases": False,
    "gain": 0.3,
    "activation": "relu",
    "loss": "mse",
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "schedule": "constant",
    "schedule_factor": 0.1,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "recreate_optimizer": True,
    "batch_size": 128,
    "epochs": 500,
    "measure_every": 10,
    "arithmetic": "float32",
}


def test_defaults_are_the_papers():
    made = study(deep_rfm=[{}], networks=[{"model": "mlp"}], seeds=[0])
    (deep_rfm,), (network,) = made.of_kind("deep_rfm"), made.of_kind("networks")
    assert dict(deep_rfm.settings) == DEEP_RFM
    assert dict(network.settings) == NETWORK
    assert dict(made.datasets["digits"]) == {
        "kind": "digits",
        "n": 60,
        "n_test": 0,
        "path": None,
        "test_path": None,
        "size": None,
        "channels": None,
        "background": None,
        "layout": None,
        "standardize_test": "train",
    }
    assert dict(made.theory_kernel) == {"width": 1024, "draws": 100}
    # science.md, section 5.
    assert dict(made.theory) == {
        "classes": 5,
        "per_class": 20,
        "layers": 30,
        "lambda_map": [0.3, 1.0, 3.0],
        "ratios": [1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0],
        "objective_classes": [3, 10],
        "objective_per_class": 4,
        "ridges": [0.1, 1.0],
        "random_kernels": 50,
        "descent_steps": 300,
        "widths": [64, 256, 1024, 4096],
        "draws": 200,
    }
    # Error bars are over three seeds (Appendix D).
    assert study().settings.seeds == [0, 1, 2]
    assert study().settings.torch_threads == 1
    assert study().settings.keep == "all"
    assert study().settings.device == "auto"


def test_what_is_given_stays():
    given = {"kernel": "gaussian", "ridge": 1e-3, "depth": 7, "block_rows": 10}
    (run,) = study(deep_rfm=[given], seeds=[5]).runs
    assert dict(run.settings) == DEEP_RFM | given
    assert (run.study, run.kind, run.dataset, run.seed) == ("mine", "deep_rfm", "digits", 5)


def test_smallest_configuration_is_complete():
    config = {"study": "a", "studies": {"a": {"datasets": {"b": {"kind": "digits", "n": 2}}}}}
    loaded = load(config)
    assert loaded.study == "a"
    assert loaded.data_root == "data"
    assert loaded.studies["a"].runs == ()
    assert loaded.studies["a"].drawings == {}


def test_default_study_is_the_demo():
    config = example()
    del config["study"]
    config["studies"]["demo"] = config["studies"]["other"]
    assert load(config).study == "demo"


def test_loading_leaves_its_argument():
    config = example()
    assert load(config) == load(config)
    assert config == example()


def test_seeds_are_sorted():
    made = study(deep_rfm=[{}], seeds=[7, 0, 3])
    assert made.settings.seeds == [0, 3, 7]
    assert [run.seed for run in made.runs] == [0, 3, 7]


def test_block_is_for_all_data_sets_or_those_that_it_names():
    made = load(example()).studies["mine"]
    chosen = {
        name: sorted({run.dataset for run in made.of_kind("deep_rfm") if run.name == name})
        for name in ("laplace-relu-agop", "gaussian-relu-agop")
    }
    assert chosen == {
        "laplace-relu-agop": ["first", "second"],
        "gaussian-relu-agop": ["second"],
    }


def test_the_data_root_of_the_environment_is_checked_alike(tmp_path):
    made = load({"data_root": "~/data", "study": "mine", "studies": example()["studies"]})
    name, home = "AGOP_COLLAPSE_DATA", str(Path.home())
    assert data_root(made, {}) == data_root(made, {name: ""}) == f"{home}/data"
    assert data_root(made, {name: "~/there"}) == f"{home}/there"
    assert data_root(made, {name: str(tmp_path)}) == str(tmp_path)
    for wrong, reason in ((__file__, "must be a folder, and is a file"), ("a{b}", "takes { and }")):
        with pytest.raises(ConfigError, match=f"^the environment variable {name} = .*{reason}"):
            data_root(made, {name: wrong})


def test_own_code_and_data_are_found_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "small.py").write_text("def backbone(channels, height, width): ...")
    (tmp_path / "mine.npz").write_bytes(b"")
    made = study(
        datasets={"images": {"kind": "npz", "n": 9, "path": "mine.npz"}},
        networks=[{"model": "small", "backbone": "nets.small:backbone"}],
        seeds=[0],
    )
    (run,) = made.runs
    assert run.settings.backbone == "nets.small:backbone"
    assert (run.name, run.label) == ("small", "small")


# What ships


@pytest.fixture(scope="module")
def shipped() -> dict[str, Study]:
    loaded = load(yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8")))
    assert loaded.study == "demo"
    return loaded.studies


@pytest.fixture(scope="module")
def demo(shipped) -> Study:
    return shipped["demo"]


def test_demo_is_all_of_the_digits_on_the_cpu_with_three_seeds(demo):
    assert demo.datasets["digits"].kind == "digits"
    assert demo.datasets["digits"].n == 1797
    assert demo.settings.seeds == [0, 1, 2]
    assert demo.settings.device == "cpu"


@pytest.mark.parametrize(
    "wanted",
    [
        {"kernel": "laplace", "feature_map": "relu", "projection": "agop", "ridge": 0.0},
        {"kernel": "gaussian", "feature_map": "relu", "projection": "agop", "ridge": 1e-3},
        {"kernel": "laplace", "feature_map": "cos", "projection": "agop", "gamma": 0.05},
        {"kernel": "laplace", "feature_map": "relu", "projection": "identity"},
    ],
    ids=lambda wanted: "-".join(map(str, wanted.values())),
)
def test_demo_has_the_deep_rfms_that_its_claims_are_read_from(demo, wanted):
    """science.md, section 4. The width decides the margin of NC2 (claim C2)."""
    runs = [run for run in demo.of_kind("deep_rfm") if run.dataset == "digits"]
    settings = [dict(run.settings) for run in runs if run.seed == 0]
    (found,) = [each for each in settings if wanted.items() <= each.items()]
    always = {"bandwidth": 2.0, "agop_norm": "max", "precision": "float64", "iterations": 1}
    assert always.items() <= found.items()
    assert found["depth"] >= (10 if wanted["projection"] == "agop" else 8)
    assert found["width" if wanted["feature_map"] == "relu" else "n_features"] >= 1024


def test_demo_has_the_mlp_that_leaves_the_plateau(demo):
    mlp, with_test_points = [run for run in demo.of_kind("networks") if run.seed == 0]
    assert (mlp.dataset, with_test_points.dataset) == ("digits", "held_out")
    seldom = {"measure_every": with_test_points.settings.measure_every}
    assert dict(mlp.settings) | seldom == dict(with_test_points.settings)
    wanted = {"width": 256, "gain": 0.3, "learning_rate": 0.1, "momentum": 0.9, "batch_size": 64}
    wanted |= {"model": "mlp", "optimizer": "sgd", "recreate_optimizer": False, "epochs": 60}
    assert wanted.items() <= dict(mlp.settings).items()
    assert 10 % mlp.settings.measure_every == 0


def test_demo_has_a_figure_of_each_kind_that_the_paper_has_for_it(demo):
    assert {"fig01", "fig03", "fig04", "fig06", "fig07", "fig10", "ablation"} <= set(demo.drawings)
    papers = {PAPER_FIGURES[name].kind for name in PAPER_FIGURES}
    assert {drawing.kind for drawing in demo.drawings.values()} == papers


def shown(study: Study, name: str) -> list[tuple]:
    """What each part of a figure is, row by row."""
    drawing = study.drawings[name]
    return [(drawing.kind, str(row), str(drawing.options)) for row in drawing.rows]


def test_every_figure_of_the_demo_shows_something_that_no_other_does(demo):
    for one, other in itertools.permutations(demo.drawings, 2):
        if rows := shown(demo, one):
            assert not set(rows) <= set(shown(demo, other)), f"{one} is a part of {other}"


def test_shipped_studies_have_the_papers_runs_and_figures(shipped):
    nips = {f"fig{number:02}" for number in range(1, 13)}
    assert set(shipped) == {"demo", "laptop", "ablations", "paper", "arxiv_v1"}
    for name in ("laptop", "paper"):
        assert set(shipped[name].datasets) == {"mnist", "cifar10", "svhn"}
        own = {"nfa_null"} | ({"fig04_code"} if name == "paper" else set())
        assert nips | own == set(shipped[name].drawings)
    assert set(shipped["arxiv_v1"].drawings) == {f"v1_fig{number:02}" for number in range(1, 9)}
    # Three data sets, a ReLU and a cosine Deep RFM and three networks of each, three seeds; and the
    # code's gamma for two of the data sets.
    assert len(shipped["paper"].runs) == (3 * (2 + 3) + 2) * 3
    gammas = {
        (run.name, run.dataset): run.settings.gamma
        for run in shipped["paper"].of_kind("deep_rfm")
        if run.settings.feature_map == "cos"
    }
    ours = {("laplace-cos-agop", name): 0.05 for name in ("mnist", "cifar10", "svhn")}
    assert gammas == ours | {("cos_code", name): 0.1 for name in ("cifar10", "svhn")}
    assert {run.name for run in shipped["paper"].drawings["fig04"].runs} == {"laplace-cos-agop"}
    for run in shipped["paper"].of_kind("deep_rfm"):
        gaussian = run.dataset == "mnist" and run.settings.feature_map == "relu"
        assert run.settings.kernel == ("gaussian" if gaussian else "laplace")
        assert run.settings.ridge == (1e-3 if gaussian else 0.0)
