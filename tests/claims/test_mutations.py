"""A mistake in what is measured is a claim that is not reproduced any more.

A small study is built and measured by the library itself, as the scripts do, once as it is and once
with each mistake; the ledger must tell them apart.
"""

import copy
import dataclasses
from collections.abc import Callable

import pandas as pd
import papers
import pytest
import torch
from agop_collapse.claims import experiments, ledger
from agop_collapse.claims.ledger import NOT_REPRODUCED, REPRODUCED
from agop_collapse.common.classes import class_means
from agop_collapse.common.seeding import generator
from agop_collapse.data.dataset import Dataset
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers.digits import load as load_digits
from agop_collapse.files import tables
from agop_collapse.machine import agop, deep_rfm
from agop_collapse.metrics import ansatz, collapse, head, head_collapse
from agop_collapse.metrics import singular_directions as directions
from agop_collapse.networks import architecture
from agop_collapse.networks.losses import mse
from agop_collapse.networks.training import Settings, Trainer, train
from agop_collapse.plots import select
from agop_collapse.rows import deep_rfm as deep_rfm_rows
from agop_collapse.rows import network as network_rows
from agop_collapse.rows import theory as theory_rows
from agop_collapse.rows.network import Found
from agop_collapse.rows.theory_claims import claims as claims_of_theory
from agop_collapse.theory import recursion

pytestmark = pytest.mark.slow

N, CPU = 300, torch.device("cpu")
OF_DATA = {"dataset": "digits", "dataset_kind": "digits", "dataset_n": N}
BY_ID = {claim.id: claim for claim in ledger.CLAIMS}
AGOP = papers.settings(depth=10, width=512)
IDENTITY = dataclasses.replace(AGOP, projection="identity")
TRAINING = Settings("sgd", 0.1, 0.9, False, 32, 150, 150, "float32", mse.loss)
THEORY = theory_rows.Settings(
    classes=3,
    per_class=6,
    layers=20,
    lambda_map=[0.5],
    ratios=[1e-3, 1e-2],
    objective_classes=[3],
    objective_per_class=3,
    ridges=[0.5],
    random_kernels=2,
    descent_steps=50,
    widths=[32],
    draws=200,
)
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return prepare(load_digits(N, 0), N, 0)


@pytest.fixture(scope="module")
def layers(data) -> Callable[[deep_rfm.Settings], list[deep_rfm.Layer]]:
    """Layers of Deep RFM without a mistake, built once."""
    built: dict[str, list] = {}

    def of(settings):
        if settings.projection not in built:
            built[settings.projection] = list(deep_rfm.build(data, settings, 0, CPU))
        return built[settings.projection]

    return of


@pytest.fixture(scope="module")
def networks(data) -> list[list]:
    """Two seeds of a network, each with its progress at the beginning and at the end."""
    seeds = []
    for seed in (0, 1):
        network = architecture.build(papers.mlp(128, 0.3), data.image_shape, data.classes, seed)
        trainer = Trainer(network, data, TRAINING, seed, CPU)
        found = train(trainer)
        seeds.append([(each, copy.deepcopy(trainer.network)) for _, each in found if each])
        assert TRAINING.loss.is_fitted(seeds[-1][-1][0].train_loss)
    return seeds


def named(found: Tables, **columns) -> Tables:
    return {
        name: table.assign(study="mine", dataset="digits", **columns)
        for name, table in found.items()
    }


def joined(parts: list[Tables]) -> Tables:
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}


def of_deep_rfm(data, layers) -> Tables:
    """The tables of Deep RFM with the AGOP, and without."""
    parts, runs = [], []
    for settings in (AGOP, IDENTITY):
        run = {"run": settings.projection, "seed": 0}
        parts.append(named(deep_rfm_rows.measure(layers(settings), data), **run))
        row = OF_DATA | {"kind": "deep_rfm", "kernel": "laplace", **run}
        row |= {
            name: getattr(settings, name) for name in ("feature_map", "projection", "precision")
        }
        runs.append(row)
    return joined(parts) | {"runs": pd.DataFrame(runs)}


def of_networks(data, networks) -> Tables:
    x, test_x = data.x.float(), data.test_x.float()
    parts, runs = [], []
    for seed, checkpoints in enumerate(networks):
        found = [
            Found(
                progress,
                head_collapse.measure(network, x, test_x, data),
                head.measure_head(network, x, data.class_counts, loss=mse.loss, spectra=True),
                None,
            )
            for progress, network in checkpoints
        ]
        stranger = networks[1 - seed][0][1]
        untrained = head.measure_head(stranger, x, data.class_counts)
        measured = network_rows.measure(iter(found), untrained, TRAINING, data.classes)
        parts.append(named(measured, run="mlp", seed=seed))
        runs.append(
            OF_DATA
            | {"kind": "networks", "run": "mlp", "seed": seed, "gain": 0.3, "width": 128}
            | {"loss": "mse", "activation": "relu", "class_weighting": "samples"}
        )
    return joined(parts) | {"runs": pd.DataFrame(runs)}


def of_theory() -> Tables:
    found = {
        name: tables.frame(name, [{"study": "mine", "seed": 0} | row for row in rows])
        for name, rows in theory_rows.measure(THEORY, 0).items()
    }
    rows = [{"study": "mine", "seed": 0} | row for row in claims_of_theory(found, THEORY, 0)]
    return {"theory_claims": tables.frame("theory_claims", rows)}


def verdicts(found: Tables) -> dict[str, str]:
    return {id: ledger.check(claim, found).verdict for id, claim in BY_ID.items()}


@pytest.fixture(scope="module")
def sound(data, layers, networks) -> dict[str, str]:
    """Verdicts without a mistake, of each part of the study."""
    found = [of_deep_rfm(data, layers), of_networks(data, networks), of_theory()]
    parts = [verdicts(part) for part in found]
    return {id: next((p[id] for p in parts if p[id] != "not_measured"), "") for id in BY_ID}


def test_the_study_without_a_mistake(sound):
    wanted = {"C2", "C3", "C4", "C5", "C6", "C7", "C16", "C8", "C9", "C10-any", "C12", "C13"}
    wanted |= {"T1-corrected", "T2", "T3", "T4"}
    assert {id for id in wanted if sound[id] != REPRODUCED} == set()
    assert sound["T1"] == NOT_REPRODUCED


# The mistakes. What they call of the library is bound before any of them is made.


def inverted(x, class_counts, weighting="samples", measure=collapse.measure):
    """NC1 upside down."""
    found = measure(x, class_counts, weighting)
    return dataclasses.replace(found, nc1=1 / found.nc1)


def uncentred(x, class_counts, weighting="samples", measure=collapse.measure):
    """S_B of the class means themselves, not of what they are from their mean."""
    found = measure(x, class_counts, weighting)
    between = class_means(x.double(), class_counts).square().sum() / len(class_counts)
    return dataclasses.replace(found, nc1=found.trace_within / float(between))


def transposed(*given, square_root=agop.square_root):
    """L^T for the root, M = L L^T: a factor of M too, but not symmetric, and of the wrong side."""
    root, eigenvalues = square_root(*given)
    more = 1e-12 * eigenvalues[0] * torch.eye(len(root), dtype=root.dtype)
    return torch.linalg.cholesky(root @ root + more).T, eigenvalues


def inverse(*given, square_root=agop.square_root):
    """M^-1/2 for M^1/2, as far as M has an inverse."""
    root, eigenvalues = square_root(*given)
    values, vectors = torch.linalg.eigh(root)
    return (vectors / values.clamp(min=0.03 * float(values[-1]))) @ vectors.T, eigenvalues


def shuffled(data, dtype, device, of=deep_rfm.Problem.of):
    """Targets in another order than the points."""
    problem = of(data, dtype, device)
    order = torch.randperm(len(problem.x), generator=generator(0, "shuffled"))
    return dataclasses.replace(problem, targets=problem.targets[order])


def left_for_right(weight, x, class_counts, measure=directions.measure_spectra):
    """S U^T in the place of S V^T, where it fits."""
    square = weight.shape[0] == weight.shape[1]
    return measure(weight.T if square else weight, x, class_counts)


def outer(layer, other=None):
    """W W^T in the place of W^T W, where it fits."""
    square = layer.weight.shape[0] == layer.weight.shape[1]
    weight = layer.weight.T if square else layer.weight
    return ansatz.pearson_of_grams(weight, (other or layer).root_factor)


def twice(frame, by, value, summarise=select.summarise):
    """Bars of two standard deviations."""
    found = summarise(frame, by, value)
    return found.assign(upper=2 * found["upper"] - found["mean"])


def printed(kind, lambda_k, lambda_map, n, kappa=recursion.kappa):
    """The paper's kappa for the corrected one."""
    return kappa("paper" if kind == "first_order" else kind, lambda_k, lambda_map, n)


# What is measured anew, where the mistake is made, and which claims it must overturn.
MISTAKES = {
    "NC1 upside down": ("deep_rfm", collapse, "measure", inverted, "C1 C5 C6 C7"),
    "no centring": ("deep_rfm", collapse, "measure", uncentred, "C4 C5 C6"),
    "root of the wrong side": ("built", agop, "square_root", transposed, "C1 C2 C3"),
    "root of the wrong power": ("built", agop, "square_root", inverse, "C5 C7 C16"),
    "labels out of order": ("built", deep_rfm.Problem, "of", shuffled, "C1 C2 C3"),
    "NC1 of networks upside down": ("networks", collapse, "measure", inverted, "C9"),
    "U for V": ("networks", head, "measure_spectra", left_for_right, "C9"),
    "W W^T for W^T W": ("networks", ansatz, "nfa", outer, "C10-any"),
    "error bars twice as long": ("networks", experiments, "summarise", twice, "C13"),
    "kappa as printed": ("theory", recursion, "kappa", printed, "T1-corrected"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_overturns_claims(mistake, sound, data, layers, networks, monkeypatch):
    what, place, name, mistaken, ids = MISTAKES[mistake]
    monkeypatch.setattr(place, name, mistaken)
    match what:
        case "deep_rfm":
            found = of_deep_rfm(data, layers)
        case "built":
            found = of_deep_rfm(data, lambda each: list(deep_rfm.build(data, each, 0, CPU)))
        case "networks":
            found = of_networks(data, networks)
        case "theory":
            found = of_theory()
    now = verdicts(found)
    assert {id: now[id] for id in ids.split()} == dict.fromkeys(ids.split(), NOT_REPRODUCED)
    assert NOT_REPRODUCED not in {sound[id] for id in ids.split()}
