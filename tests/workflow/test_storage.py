"""Results in a storage elsewhere, and jobs that share no folder."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import one_machine_kubernetes
import pytest
import yaml
from faults import OWN_NETWORK
from studies import TINY
from workflow_helpers import ROOT, Workplace, contents, jobs_run

pytestmark = pytest.mark.slow

if not importlib.util.find_spec("snakemake_storage_plugin_fs"):
    pytest.skip("needs snakemake-storage-plugin-fs", allow_module_level=True)

STUDY = {
    "seeds": [0, 1],
    "device": "cpu",
    "datasets": {"digits": {"kind": "digits", "n": 60}},
    "deep_rfm": [{"depth": 2, "width": 16}],
    "networks": [{"model": "mlp", "width": 16, "epochs": 2, "measure_every": 1}],
    "own_networks": [{"network": "my_nets:small", "epochs": 2, "measure_every": 1}],
    "theory": TINY["theory"],
    "theory_kernel": {"width": 16, "draws": 2},
    "features": {"layers": "all", "epochs": "last"},
    "figures": {
        "fig03": None,
        "fig10": None,
        "v1_fig04": None,
        "theory_rate": None,
        "layers": {"plot": "network_layers"},
    },
}
TARGETS = ("all", "features", "report", "archive")


def make(root: Path) -> Workplace:
    place = Workplace.make(root, {"tiny": STUDY})
    (place.work / "my_nets.py").write_text(OWN_NETWORK)
    return place


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> dict[str, str]:
    """What a run without storage makes."""
    place = make(tmp_path_factory.mktemp("local"))
    place.run(*TARGETS)
    return results(place.work)


def results(folder: Path) -> dict[str, str]:
    """By path. A report tells of time and memory too, as far as they are known."""
    return {
        path: digest
        for path, digest in contents(folder).items()
        if path.startswith(("results/", "figures/", "archive/"))
        and not path.endswith(("report.html", "my_nets.py"))
    }


def fs(folder: Path) -> list[str]:
    return ["--default-storage-provider", "fs", "--default-storage-prefix", str(folder)]


def test_a_storage_gets_the_same_bytes_and_is_up_to_date_then(local, tmp_path):
    place = make(tmp_path)
    storage = tmp_path / "storage"
    place.run(*TARGETS, *fs(storage))
    assert results(storage) == local
    assert (storage / "results/tiny/report.html").is_file()
    assert not (place.work / "figures").exists()
    assert "Nothing to be done" in place.run(*TARGETS, *fs(storage)).stdout
    changed = STUDY | {"deep_rfm": [{"depth": 2, "width": 16, "ridge": 0.01}]}
    place.configure({"tiny": changed})
    again = jobs_run(place.run("figures/tiny/fig03.png", *fs(storage)))
    assert again == {"build_deep_rfm": 2, "measure_deep_rfm": 2, "plot_figure": 1}


@pytest.mark.skipif(
    not importlib.util.find_spec("snakemake_executor_plugin_kubernetes"),
    reason="needs snakemake-executor-plugin-kubernetes",
)
def test_pods_that_share_no_folder_make_the_same_bytes(local, tmp_path):
    """By the page's profile, with a storage that is here."""
    place = make(tmp_path)
    page = (ROOT / "docs" / "cluster.md").read_text()
    profile = yaml.safe_load(re.search(r"# my_kubernetes.yaml\n(.*?)```", page, re.DOTALL)[1])
    storage = tmp_path / "storage"
    profile |= {"default-storage-provider": "fs", "default-storage-prefix": str(storage)}
    profile |= {"seconds-between-status-checks": 1, "retries": 0}
    # Below the checkout, and known to git: that is what a pod is sent.
    here = place.repository
    (here / "my_kubernetes.yaml").write_text(yaml.safe_dump(profile))
    (here / "my_nets.py").write_text(OWN_NETWORK)
    for device, study in (("cpu", "tiny"), ("auto", "gpus")):
        text = yaml.safe_dump({"studies": {study: STUDY | {"device": device}}})
        (here / f"{study}.yaml").write_text(text)
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@here"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All of it"]):
        subprocess.run([*git, *command], cwd=here, check=True)
    # In the place of what installs a plugin that is there.
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text("#!/bin/sh\n")
    pip.chmod(0o755)
    path = f"{pip.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = place.environment(PATH=path)
    with one_machine_kubernetes.cluster(tmp_path, environment) as (cluster, config):

        def run(study: str, *targets: str) -> None:
            command = [sys.executable, "-m", "snakemake", *targets]
            command += ["--configfile", f"{study}.yaml", "--config", f"study={study}"]
            command += ["--workflow-profile", "my_kubernetes.yaml"]
            made = subprocess.run(
                command,
                cwd=here,
                env=environment | {"KUBECONFIG": str(config)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            logs = "".join(map(cluster.log, cluster.jobs))
            assert made.returncode == 0, made.stdout + logs

        wanted = {f"figures/tiny/{name}.png" for name in ("fig03", "layers")}
        wanted |= {"results/tiny/tables/nfa_summary.parquet"}
        run("tiny", *sorted(wanted))
        found = results(storage)
        assert wanted <= found.keys()
        assert found.items() <= local.items()
        assert {"results", "figures"}.isdisjoint(path.name for path in here.iterdir())
        asked = [pod["resources"]["requests"] for pod in cluster.jobs.values()]
        assert all(int(each["memory"].removesuffix("M")) > 500 for each in asked)
        assert {each.get("nvidia.com/gpu", "0") for each in asked} == {"0"}
        # A job that may have a GPU asks for one.
        before = {*cluster.jobs}
        run("gpus", "results/gpus/deep_rfm/digits/laplace-relu-agop/seed0/run.json")
        (build,) = cluster.jobs.keys() - before
        assert cluster.jobs[build]["resources"]["requests"]["nvidia.com/gpu"] == "1"
