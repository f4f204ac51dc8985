"""The jobs of a study: which there are, what each is given, reads and writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from agop_collapse.claims import ledger
from agop_collapse.data.addresses import ARCHIVES
from agop_collapse.files.contents import Contents
from agop_collapse.files.places import located
from agop_collapse.files.tables import COMBINED, MEASURED
from agop_collapse.plan.configuration import load
from agop_collapse.plan.job import Job, TargetError
from agop_collapse.plan.jobs import MOST_WALKS, Jobs
from configurations import config_of, example, own_network, refusal, trained_network

ROOT = Path(__file__).parents[2]
RULES = ROOT / "workflow" / "rules"


def jobs(config: dict[str, Any], folder: Path, root: str = "data") -> Jobs:
    return Jobs(load(config), ROOT / "workflow", root, Contents(folder / "contents.json"))


@pytest.fixture
def mine(tmp_path) -> Jobs:
    return jobs(example(), tmp_path)


def inputs(job: Job) -> Iterator[str]:
    for value in job.inputs.values():
        yield from [value] if isinstance(value, str) else value


@pytest.mark.parametrize("study", ["demo", "paper", "arxiv_v1"])
def test_all_that_is_read_is_written_before(study, tmp_path):
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    found = jobs(shipped, tmp_path, root="data")
    written: set[str] = set(found.public_files(study))
    identities = set()
    for job in found.everything(study).values():
        assert set(inputs(job)) <= written
        assert not written & set(job.outputs.values())
        written |= set(job.outputs.values())
        assert job.identity not in identities
        identities.add(job.identity)
        assert job.settings["identity"] == job.identity
        assert min(job.threads, job.mem_mb, job.minutes) > 0
    assert f"results/{study}/tables/runs.parquet" in written


def test_another_studys_runs_are_read_where_they_lie(tmp_path):
    config = example()
    config["studies"]["mine"]["figures"] = {"fig03": {"rows": [{"study": "other"}]}}
    job = jobs(config, tmp_path).plot_figure("mine", "fig03")
    folder = "results/other/deep_rfm/first/laplace-relu-agop/seed0"
    assert list(inputs(job)) == [f"{folder}/deep_rfm.parquet"]
    assert job.outputs == {end: f"figures/mine/fig03.{end}" for end in ("pdf", "png")}
    assert job.settings["footer"] == "study other; first (n = 300); seed 0"


def test_report_is_made_from_all_that_it_shows(mine):
    job = mine.make_report("mine")
    assert job.outputs == {"report": "results/mine/report.html"}
    figures = mine.figures("mine")
    assert job.inputs["figures"] == [each.outputs["png"] for each in figures.values()]
    assert [each["name"] for each in job.settings["figures"]] == list(figures)
    tables = {
        path
        for each in mine.tables("mine").values()
        for path in each.outputs.values()
        if path.endswith(".parquet") and not path.endswith("/runs.parquet")
    }
    pictures = job.inputs["pictures"]
    assert all(path.endswith("gram_picture.parquet") for path in pictures)
    runs = {run.line for run in mine.studies["mine"].of_kind("deep_rfm")}
    assert len(pictures) == min(len(runs), MOST_WALKS)
    first = min(mine.studies["mine"].settings.seeds)
    assert all(f"/seed{first}/" in path for path in pictures)
    assert {*job.inputs["parts"]} == tables
    assert job.inputs["claims"] == "results/mine/claims.parquet"
    # What was recorded is read where it lies, and no job's to make.
    assert set(job.inputs) == {"figures", "parts", "pictures", "claims"}


def test_report_has_a_few_walks_and_says_how_many_more(tmp_path):
    config = example()
    widths = list(range(8, 8 + MOST_WALKS + 3))
    config["studies"]["mine"]["deep_rfm"] = [{"width": widths, "depth": 2}]
    config["studies"]["mine"]["figures"] = {}
    settings = jobs(config, tmp_path).make_report("mine").settings
    assert len(settings["walks"]) == len(settings["pictures"]["gram_picture"]) == MOST_WALKS
    runs = {run.line for run in jobs(config, tmp_path).studies["mine"].of_kind("deep_rfm")}
    assert settings["unwalked"] == len(runs) - MOST_WALKS > 0


def test_report_reads_another_studys_runs_where_they_lie(tmp_path):
    config = example()
    config["studies"]["mine"]["figures"] = {"fig03": {"rows": [{"study": "other"}]}}
    job = jobs(config, tmp_path).make_report("mine")
    parts = located(job.settings["parts"], job.inputs["parts"])["deep_rfm"]
    assert [(path, columns and columns["study"]) for path, columns, _ in parts] == [
        ("results/mine/tables/deep_rfm.parquet", None),
        ("results/other/deep_rfm/first/laplace-relu-agop/seed0/deep_rfm.parquet", "other"),
    ]


def test_settings_name_no_file_of_a_job(mine):
    """A script takes files from its rule alone: Snakemake may have them elsewhere.

    A report's records, which no rule makes for it, are read where they lie, as far as they do; the
    store is none of a job's files; a figure's name in the report is for its reader.
    """
    of_the_report = mine.make_report("mine")
    shown = {key: of_the_report.settings[key] for key in ("cost", "figures")}
    for job in [*mine.everything("mine").values(), of_the_report]:
        files = {*inputs(job), *job.outputs.values()}
        settings = {k: v for k, v in job.settings.items() if v not in shown.values()}
        named = json.dumps(settings)
        assert not [file for file in files if json.dumps(file) in named]
        assert "results/" not in named.replace('"results/.store"', "")


def test_settings_are_plain(mine):
    """What Snakemake hands over, and pickles, is of no class of the plan."""
    every = [*mine.everything("mine").values(), mine.make_report("mine")]
    waiting: list[Any] = [job.settings for job in every]
    while waiting:
        value = waiting.pop()
        assert type(value) in (dict, list, tuple, str, int, float, bool, type(None))
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def test_tables_are_those_of_a_studys_kinds_of_run(mine):
    def tables(study: str) -> set[str]:
        made = [path for job in mine.tables(study).values() for path in job.outputs.values()]
        assert {str(Path(path).parent) for path in made} == {f"results/{study}/tables"}
        return {Path(path).stem for path in made}

    of_runs = {table for table in COMBINED if not table.startswith("theory_") or table in MEASURED}
    of_runs -= {"gram_picture", "network_layers", "claims", "claim_values"}
    assert tables("mine") == of_runs | {"runs"}
    assert tables("other") == {
        *("deep_rfm", "gram", "classes", "agop_spectrum", "attribution", "rates"),
        *("predictor", "theory_layers", "runs"),
    }


def test_claims_are_checked_on_all_tables_that_a_study_has(mine):
    for study in ("mine", "other"):
        job = mine.check_claims(study)
        made = [path for each in mine.tables(study).values() for path in each.outputs.values()]
        assert set(inputs(job)) == {path for path in made if path.endswith(".parquet")}
        parts = located(job.settings["parts"], job.inputs["parts"])
        given = {path: identity for ((path, _, identity),) in parts.values()}
        assert given == {
            path: each.identity
            for each in mine.tables(study).values()
            for path in each.outputs.values()
            if path in given
        }
        assert mine.of("check_claims", {"study": study}) is job
        assert job.outputs == {
            "claims": f"results/{study}/claims.parquet",
            "claim_values": f"results/{study}/claim_values.parquet",
            "page": f"results/{study}/claims.html",
        }
    figures = mine.check_claims("mine").settings["figures"]
    assert figures["deep_rfm_curves"] == ["fig03"]
    assert figures["sweep"] == ["widths"]
    assert mine.check_claims("other").settings["figures"] == {}


def test_claims_read_no_table_that_a_study_cannot_have(tmp_path):
    """Whatever a claim names is among the inputs where a study has all kinds of runs and theory."""
    shipped = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    job = jobs(shipped, tmp_path).check_claims("demo")
    assert set(job.settings["parts"]) >= ledger.TABLES


def test_run_is_measured_into_its_own_tables(mine):
    (deep_rfm, network) = (mine.studies["mine"].of_kind(k)[0] for k in ("deep_rfm", "networks"))
    made = {**mine.measure(deep_rfm).outputs, **mine.measure(network).outputs}
    assert set(made) == set(MEASURED) - {"network_layers"}
    assert made["network_nc"] == f"{network.folder}/network_nc.parquet"


def test_a_network_of_ones_own_is_measured_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path) | {"layers": ["conv1", "fc"]}
    found = jobs(config_of(seeds=[4, 2], own_networks=[block]), tmp_path)
    first, second = found.studies["mine"].runs
    job = found.measure(first)
    assert job.outputs == {
        "network_layers": f"{first.folder}/network_layers.parquet",
        "record": f"{first.folder}/run.json",
    }
    assert first.folder == "results/mine/own_networks/digits/small/seed2"
    assert job.settings["layers"] == ["conv1", "fc"]
    loss = job.settings["settings"]["loss"]
    assert loss == "agop_collapse.networks.losses.cross_entropy:loss"
    assert job.inputs["checkpoints"] == job.inputs["record"] == []
    assert (job.settings["path"], job.settings["seed"]) == ("weights.pt", 2)
    assert job.settings["checkpoint"] == Contents().digest(Path("weights.pt"))
    assert found.of("measure_own_network", first.named | {"seed": "2"}) == job
    assert [name.split()[0] for name in found.everything("mine")] == [
        *("data", "measure", "measure", "tables", "tables", "claims"),
    ]
    assert set(found.tables("mine")) == {"combine_own_networks", "list_runs"}
    assert found.features("mine") == {}
    rows = found.list_runs("mine").settings["rows"]
    assert [row["identity"] for row in rows] == [
        found.measure(run).identity for run in (first, second)
    ]


def test_a_network_of_ones_own_is_trained_and_then_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = trained_network(tmp_path, layers=["conv1", "fc"])
    found = jobs(config_of(seeds=[4, 2], own_networks=[block]), tmp_path)
    first, second = found.studies["mine"].runs
    train, measure = found.make(first), found.measure(first)
    assert train.outputs == {
        "checkpoints": f"{first.folder}/checkpoints",
        "record": f"{first.folder}/training.json",
    }
    assert measure.inputs["checkpoints"] == [train.outputs["checkpoints"]]
    assert measure.inputs["record"] == [train.outputs["record"]]
    assert measure.outputs["record"] == f"{first.folder}/run.json"
    assert measure.settings["stem"] == train.settings["stem"]
    assert measure.settings["path"] is measure.settings["checkpoint"] is None
    assert train.settings["layers"] == measure.settings["layers"] == ["conv1", "fc"]
    assert train.identity != found.make(second).identity
    assert found.of("train_own_network", first.named | {"seed": "2"}) == train
    assert [name.split()[0] for name in found.everything("mine")] == [
        *("data", "make", "make", "measure", "measure", "tables", "tables", "claims"),
    ]
    assert found.features("mine") == {}
    rows = found.list_runs("mine").settings["rows"]
    assert [row["identity"] for row in rows] == [train.identity, found.make(second).identity]
    # What is measured of it is no reason to train it again.
    other = jobs(config_of(seeds=[4, 2], own_networks=[block | {"layers": "all"}]), tmp_path)
    (same, _) = other.studies["mine"].runs
    assert other.make(same).settings["layers"] == "all"  # whether it has them is asked before
    assert other.make(same).identity == train.identity
    assert other.measure(same).identity != measure.identity


def test_a_network_that_was_trained_elsewhere_is_not_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = jobs(config_of(own_networks=[own_network(tmp_path)]), tmp_path)
    (run, *_) = found.studies["mine"].runs
    with pytest.raises(TargetError, match="small of the study mine has a checkpoint of its own"):
        found.of("train_own_network", run.named | {"seed": str(run.seed)})


def test_each_seed_may_have_weights_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = own_network(tmp_path) | {"checkpoint": "seed{seed}.pt"}
    (tmp_path / "seed2.pt").write_bytes(b"two")
    config = config_of(seeds=[4, 2], own_networks=[block])
    assert "checkpoint = 'seed4.pt': no such file in" in refusal(config)
    (tmp_path / "seed4.pt").write_bytes(b"four")
    found = jobs(config, tmp_path)
    paths = [found.measure(run).settings["path"] for run in found.studies["mine"].runs]
    assert paths == ["seed2.pt", "seed4.pt"]


def test_a_network_is_compared_with_that_of_the_smallest_other_seed(tmp_path):
    def compared(*seeds: int, **given: Any) -> dict[int, tuple]:
        config = config_of(seeds=list(seeds), networks=[{"model": "mlp"}], deep_rfm=[{}], **given)
        found = jobs(config, tmp_path)
        every = {run.seed: found.measure(run) for run in found.studies["mine"].of_kind("networks")}
        (deep_rfm, *_) = found.studies["mine"].of_kind("deep_rfm")
        assert "other_layers" not in found.measure(deep_rfm).inputs
        return {
            seed: (
                [re.search(r"seed\d+", path)[0] for path in job.inputs["other_checkpoints"]],
                job.settings["other"],
                job.identity,
            )
            for seed, job in every.items()
        }

    two, three = compared(4, 2), compared(2, 4, 7)
    assert {seed: others for seed, (others, *_) in three.items()} == {
        **{2: ["seed4"], 4: ["seed2"]},
        7: ["seed2"],
    }
    assert two == {seed: three[seed] for seed in two}  # one more changes nothing
    assert compared(4)[4][:2] == ([], None)
    assert compared(4)[4][2] != two[4][2]
    assert two[2][1] == three[2][1] != three[4][1] == three[7][1]
    # The network that it is compared with is another: so is what is found.
    assert compared(2, 3)[2][2] != two[2][2]


def test_another_studys_network_comes_with_the_one_that_it_is_compared_with(tmp_path):
    config = example()
    config["studies"]["mine"]["seeds"] = [0]
    config["studies"]["other"] |= {
        "seeds": [3, 5],
        "networks": [{"model": "mlp"}],
        "figures": {"fig07": None},
    }
    rows = [{"study": "other"}]
    config["studies"]["mine"]["figures"] = {"fig07": {"rows": rows}, "fig10": {"rows": rows}}
    written: set[str] = set()
    for job in jobs(config, tmp_path).behind("mine"):
        assert set(inputs(job)) <= written
        written |= set(job.outputs.values())
    assert "results/other/networks/first/mlp/seed5/checkpoints" in written


def exported(tmp_path, **features: Any) -> dict[str, Job]:
    networks = [{"model": "mlp", "epochs": 25, "hidden_layers": 2}, {"model": "mlp", "epochs": 10}]
    networks[1]["name"] = "short"
    config = config_of(seeds=[0], deep_rfm=[{"depth": 3}], networks=networks, features=features)
    return jobs(config, tmp_path).features("mine")


DEEP_FEATURES = "results/mine/deep_rfm/digits/laplace-relu-agop/seed0/features"


def epoch_features(run: str, epoch: int) -> str:
    return f"results/mine/networks/digits/{run}/seed0/features/epoch_{epoch:05d}"


def test_features_are_those_of_all_layers_at_the_last_epoch(tmp_path):
    found = exported(tmp_path)
    layers = {path: job.settings["layers"] for path, job in found.items()}
    assert layers == {
        DEEP_FEATURES: [1, 2, 3],
        epoch_features("mlp", 25): [0, 1, 2, 3],
        epoch_features("short", 10): [0, 1, 2, 3, 4, 5, 6],
    }
    assert len({job.identity for job in found.values()}) == 3


def test_features_are_those_asked_for_where_a_run_has_them(tmp_path):
    found = exported(tmp_path, epochs=[0, 20, 10], layers=[6, 1])
    assert {path: job.settings["layers"] for path, job in found.items()} == {
        DEEP_FEATURES: [1],
        **{epoch_features("mlp", epoch): [1] for epoch in (0, 10, 20)},
        **{epoch_features("short", epoch): [1, 6] for epoch in (0, 10)},
    }
    every = [0, 10, 20, 25]
    assert set(exported(tmp_path, epochs="all")) == {
        DEEP_FEATURES,
        *(epoch_features("mlp", epoch) for epoch in every),
        *(epoch_features("short", epoch) for epoch in (0, 10)),
    }
    # Other layers of a folder are another content of it.
    one, other = exported(tmp_path)[DEEP_FEATURES], found[DEEP_FEATURES]
    assert one.identity != other.identity


def test_epoch_of_a_path_is_one_that_is_measured(mine):
    named = wildcards(epoch="00020")
    run = mine.run("networks", named)
    assert mine.of("export_network", named) == mine.export(run, 20)
    for epoch in ("00021", "20", "000020"):
        with pytest.raises(TargetError, match=f"at epoch {epoch}, but at: 00000, 00010, 00020, 00"):
            mine.of("export_network", wildcards(epoch=epoch))


def test_record_says_what_a_run_is(mine):
    run = mine.studies["mine"].of_kind("networks")[1]
    record = mine.make(run).settings["record"]
    named = {"study": "mine", "kind": "networks", "dataset": "first", "run": "mlp", "seed": 4}
    assert named.items() <= record.items()
    assert record["settings"] == dict(run.settings)
    assert record["dataset_settings"]["n"] == 300
    assert record["dataset_identity"] == mine.prepare_data("mine", "first").identity
    assert record["torch_threads"] == 1
    json.dumps(record, allow_nan=False)


def test_footer_says_where_a_figure_comes_from(tmp_path):
    digits = {"kind": "digits", "n": 1234}
    config = config_of(
        seeds=[3, 1],
        datasets={"mnist": digits, "own": digits},
        deep_rfm=[{}, {"feature_map": "cos"}],
        figures={
            "fig03": None,
            "fig06": {"rows": [{"dataset": "own"}]},
            "fig05": {"pixels": "means"},
            "v1_fig04": None,
        },
    )
    config["studies"]["mine"]["figures"]["spectrum"] = {"footer": False}
    found = jobs(config, tmp_path)
    footers = {name: job.settings["footer"] for name, job in found.figures("mine").items()}
    assert footers == {
        "fig03": "study mine; MNIST (n = 1,234), own (n = 1,234); seeds 1, 3",
        "fig06": "study mine; own (n = 1,234); seed 1; a pixel is a pair of points of a sample",
        "fig05": "study mine; MNIST (n = 1,234), own (n = 1,234); seed 1; a pixel is a mean over "
        "pairs of points",
        "v1_fig04": "study mine; simulated",
        "spectrum": None,
    }


def test_public_files_are_those_of_a_studys_data_sets(tmp_path):
    datasets = {name: {"kind": "mnist", "n": 9} for name in ("a", "b")}
    found = jobs(config_of(datasets=datasets), tmp_path, root="/shared")
    files = found.public_files("mine")
    assert len(set(files)) == len(files) == sum(len(a.files) for a in ARCHIVES["mnist"])
    assert all(file.startswith("/shared/mnist/") for file in files)
    assert jobs(config_of(), tmp_path).public_files("mine") == []


# Targets


def wildcards(**changes: str) -> dict[str, str]:
    return {"study": "mine", "dataset": "first", "run": "mlp", "seed": "0"} | changes


def test_job_is_found_by_a_paths_wildcards(mine):
    run = mine.studies["mine"].of_kind("networks")[0]
    assert mine.of("train_network", wildcards()) == mine.make(run)
    assert mine.of("measure_network", wildcards()) == mine.measure(run)
    run = mine.studies["mine"].of_kind("deep_rfm")[0]
    named = wildcards(run=run.name)
    assert mine.of("build_deep_rfm", named) == mine.make(run)
    assert mine.of("measure_deep_rfm", named) == mine.measure(run)
    assert mine.of("prepare_data", named) == mine.prepare_data("mine", "first")
    drawn = mine.of("plot_figure", {"study": "mine", "figure": "fig03"})
    assert drawn == mine.plot_figure("mine", "fig03")
    assert mine.of("combine_deep_rfm", {"study": "mine"}) == mine.combine("mine", "deep_rfm")
    assert mine.of("combine_networks", {"study": "mine"}) == mine.combine("mine", "networks")
    rules = ("list_runs", "summarise_nfa", "simulate_theory_kernel", "derive_theory")
    for rule in (*rules, "make_report"):
        assert mine.of(rule, {"study": "mine"}) == getattr(mine, rule)("mine")


@pytest.mark.parametrize(
    ("rule", "named", "reason"),
    [
        ("train_network", {"run": "mpl"}, "has no run first, mpl, seed 0 of networks in the confi"),
        ("train_network", {"run": "mpl"}, "its runs are: mlp, mlp,gain=0.01, mlp,gain=1."),
        ("train_network", {"seed": "1"}, "has no run first, mlp, seed 1"),
        ("train_network", {"seed": "00"}, "has no run first, mlp, seed 00"),
        ("train_network", {"run": "mlp,gain=1.0"}, "has no run first, mlp,gain=1.0"),
        ("train_network", {"study": "other"}, "The study other has no run first"),
        ("train_network", {"study": "other"}, "its runs are: none."),
        ("build_deep_rfm", {}, "its runs are: laplace-relu-agop, gaussian"),
        ("prepare_data", {"dataset": "third"}, "has no data set third; it has: first, second."),
        (
            "plot_figure",
            {"figure": "fig99"},
            "no figure fig99 (did you mean 'fig07'?); it has: fig03, fig05",
        ),
        ("plot_figure", {"study": "other", "figure": "fig03"}, "it has: none. Add it"),
        ("combine_networks", {"study": "other"}, "The study other has no networks to make tables"),
        ("summarise_nfa", {"study": "other"}, "The study other has no networks to make tables"),
    ],
)
def test_target_that_the_configuration_has_nothing_for_is_refused(rule, named, reason, mine):
    with pytest.raises(TargetError, match=re.escape(reason)):
        mine.of(rule, wildcards(**named))


def test_data_that_cannot_be_read_are_an_error_of_the_target(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.npz").write_bytes(b"")
    datasets = {"images": {"kind": "npz", "n": 9, "path": "mine.npz"}}
    found = jobs(config_of(datasets=datasets), tmp_path)
    Path("mine.npz").unlink()
    with pytest.raises(TargetError, match=r"studies.mine.datasets.images.path = 'mine.npz' cannot"):
        found.prepare_data("mine", "images")


# The rules


@pytest.mark.parametrize("file", sorted(RULES.glob("*.smk")), ids=lambda file: file.stem)
def test_every_rule_with_a_script_has_its_name_and_is_given_its_identity(file):
    parts = re.split(r"^ *rule\b *(.*):$", file.read_text(), flags=re.MULTILINE)[1:]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        script = re.search(r'^ +script:\s+"\.\./scripts/(\w+)\.py"', body, flags=re.MULTILINE)
        # Downloads are known by their checksums; the other three have no outputs.
        if script is None or script[1] in ("download_data", "claims", "compare", "reference"):
            continue
        quoted = f'"{name}"'
        if script[1] == "combine_tables":  # one rule for each kind of run
            quoted = "COMBINE[kind]"
            assert re.search(r"^ +name:\s+COMBINE\[kind\]$", body, flags=re.MULTILINE)
        else:
            assert script[1] == name
        params = re.search(r"^ +params:\n((?: {8,}.*\n){2})", body, flags=re.MULTILINE)[1]
        assert params.split() == [f"identity=identity({quoted}),", f"settings=settings({quoted}),"]


def test_every_script_has_a_rule():
    text = "".join(file.read_text() for file in RULES.glob("*.smk"))
    for script in (ROOT / "workflow" / "scripts").glob("*.py"):
        assert text.count(f'"../scripts/{script.name}"') == (script.name != "agop_collapse_job.py")
