"""Training against loops written out by hand, resuming, and giving up."""

import copy
import dataclasses
import itertools
import math

import numpy as np
import oracle
import pytest
import torch
from agop_collapse import networks, training
from agop_collapse.dataset import Dataset
from agop_collapse.training import DivergenceError, Settings, Trainer, measured_epochs, train
from clouds import cloud

CPU = torch.device("cpu")
COUNTS, TEST_COUNTS, DIMENSION = [9, 6, 8], [3, 2, 4], 6
SGD = Settings(
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    recreate_optimizer=False,
    batch_size=5,
    epochs=6,
    measure_every=2,
)
ADAM = dataclasses.replace(SGD, optimizer="adam", learning_rate=0.01, momentum=0.0)


@pytest.fixture(scope="module")
def data() -> Dataset:
    train_part, test_part = cloud(0, COUNTS, DIMENSION), cloud(1, TEST_COUNTS, DIMENSION)
    labels, test_labels = (
        torch.tensor(oracle.classes_of(counts)) for counts in (COUNTS, TEST_COUNTS)
    )
    image = (1, 2, 3)
    return Dataset(2 * train_part.x, labels, 2 * test_part.x, test_labels, image, 3)


def make_trainer(data: Dataset, settings: Settings, seed: int = 0, gain: float = 1.0) -> Trainer:
    architecture = networks.Architecture("mlp", 12, gain)
    network = networks.build(architecture, data.image_shape, data.classes, 3)
    return Trainer(network, data, settings, seed, CPU)


def weights_of(trainer: Trainer) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in trainer.network.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def run_epochs(trainer: Trainer, number: int) -> list[float]:
    return [trainer.run_epoch() for _ in range(number)]


def watch_batches(trainer: Trainer, data: Dataset) -> list[list[int]]:
    """The training points of each batch to come: every point is told from every other."""
    rows = {tuple(row): index for index, row in enumerate(data.x.float().tolist())}
    assert len(rows) == len(data.x)
    batches: list[list[int]] = []

    def record(_, inputs):
        batches.append([rows[tuple(row)] for row in inputs[0].tolist()])

    trainer.network.register_forward_pre_hook(record)
    return batches


# --- batches ----------------------------------------------------------------------------------


def test_each_epoch_takes_every_point_once_in_an_order_of_its_own(data):
    trainer = make_trainer(data, SGD)
    batches = watch_batches(trainer, data)
    run_epochs(trainer, 3)
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3] * 3
    orders = [list(itertools.chain(*batches[start : start + 5])) for start in (0, 5, 10)]
    assert all(sorted(order) == list(range(23)) for order in orders)
    assert all(a != b for a, b in itertools.combinations([*orders, list(range(23))], 2))

    again, other = make_trainer(data, SGD), make_trainer(data, SGD, seed=1)
    batches_again, other_batches = watch_batches(again, data), watch_batches(other, data)
    run_epochs(again, 3), run_epochs(other, 1)
    assert batches_again == batches
    assert other_batches != batches[:5]


def test_batches_leave_the_global_generator(data):
    state = torch.get_rng_state()
    run_epochs(make_trainer(data, SGD), 2)
    assert torch.equal(torch.get_rng_state(), state)


# --- a loop by hand ---------------------------------------------------------------------------

VARIANTS = [
    SGD,
    dataclasses.replace(SGD, momentum=0.0),
    dataclasses.replace(SGD, recreate_optimizer=True),
    ADAM,
    dataclasses.replace(ADAM, recreate_optimizer=True),
]


def name_of(settings: Settings) -> str:
    made = "anew" if settings.recreate_optimizer else "kept"
    return f"{settings.optimizer}-{settings.momentum}-{made}"


@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_epochs_are_the_optimizers_formula(data, settings):
    trainer = make_trainer(data, settings)
    batches = watch_batches(trainer, data)
    weights = [weight.double().numpy() for weight in weights_of(trainer)]
    start = copy.deepcopy(weights)
    losses = run_epochs(trainer, 3)

    x = data.x.float().double().numpy()
    targets = oracle.plus_minus_one(data.labels.tolist(), 3)

    def optimizer():
        if settings.optimizer == "sgd":
            return oracle.Sgd(settings.learning_rate, settings.momentum)
        return oracle.Adam(settings.learning_rate)

    rule = optimizer()
    for epoch, loss in enumerate(losses):
        if settings.recreate_optimizer:
            rule = optimizer()
        total = 0.0
        for batch in batches[5 * epoch : 5 * epoch + 5]:
            value, gradients = oracle.gradients_of_loss(weights, x[batch], targets[batch])
            weights = rule.step(weights, gradients)
            total += value * len(batch)
        assert loss == pytest.approx(total / len(x), rel=1e-4)
    for found, expected, before in zip(weights_of(trainer), weights, start, strict=True):
        change = np.linalg.norm(expected - before)
        assert change > 0.05
        assert np.linalg.norm(found.numpy() - expected) < 1e-3 * change


def test_the_oracles_gradient_is_autograds(data):
    weights = [weight.double().requires_grad_() for weight in weights_of(make_trainer(data, SGD))]
    targets = torch.tensor(oracle.plus_minus_one(data.labels.tolist(), 3))
    loss = ((oracle.forward(weights, data.x) - targets) ** 2).mean()
    loss.backward()
    arrays = [weight.detach().numpy() for weight in weights]
    value, gradients = oracle.gradients_of_loss(arrays, data.x.numpy(), targets.numpy())
    assert value == pytest.approx(loss.item(), rel=1e-12)
    for weight, gradient in zip(weights, gradients, strict=True):
        np.testing.assert_allclose(gradient, weight.grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "differ"),
    [(SGD, True), (dataclasses.replace(SGD, momentum=0.0), False), (ADAM, True)],
    ids=["momentum", "plain", "adam"],
)
def test_making_the_optimizer_anew_forgets_momentum_only(data, settings, differ):
    kept = make_trainer(data, settings)
    anew = make_trainer(data, dataclasses.replace(settings, recreate_optimizer=True))
    assert run_epochs(kept, 1) == run_epochs(anew, 1)
    assert same(weights_of(kept), weights_of(anew))
    run_epochs(kept, 1), run_epochs(anew, 1)
    assert same(weights_of(kept), weights_of(anew)) is not differ


def test_unknown_optimizer(data):
    with pytest.raises(ValueError, match="unknown optimizer 'lion'; known: sgd, adam"):
        make_trainer(data, dataclasses.replace(SGD, optimizer="lion"))


# --- resuming ---------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_resuming_at_any_measured_epoch_changes_no_bit(data, settings):
    trainer = make_trainer(data, settings)
    states, unbroken = {}, []
    for loss, progress in train(trainer):
        unbroken.append((loss, progress))
        if progress is not None:
            weights = copy.deepcopy(trainer.network.state_dict())
            states[progress.epoch] = weights, copy.deepcopy(trainer.optimizer_state())
    assert list(states) == [0, 2, 4, 6]
    for epoch, (weights, optimizer_state) in states.items():
        resumed = make_trainer(data, settings)
        run_epochs(resumed, 1)  # of another state before
        resumed.resume(epoch, weights, copy.deepcopy(optimizer_state))
        assert resumed.epoch == epoch
        rest = list(train(resumed))
        assert rest == (unbroken[epoch + 1 :] if epoch else unbroken)
        assert same(weights_of(resumed), weights_of(trainer))
        assert bool(optimizer_state) is (
            epoch > 0 and not settings.recreate_optimizer and name_of(settings) != "sgd-0.0-kept"
        )


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=name_of)
def test_resuming_without_the_optimizers_state_does_not(data, settings):
    """The comparison above can fail."""
    unbroken = make_trainer(data, settings)
    run_epochs(unbroken, 2)
    weights = copy.deepcopy(unbroken.network.state_dict())
    resumed = make_trainer(data, settings)
    resumed.resume(2, weights, {})
    run_epochs(unbroken, 1), run_epochs(resumed, 1)
    assert not same(weights_of(unbroken), weights_of(resumed))


# --- measuring --------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [4096, 4])
def test_evaluation_is_its_formula(data, monkeypatch, batch):
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch)
    trainer = make_trainer(data, SGD)
    run_epochs(trainer, 2)
    before = weights_of(trainer)
    progress = trainer.evaluate()
    assert same(before, weights_of(trainer))
    assert progress.epoch == 2
    weights = [weight.double() for weight in before]
    for part in ("train", "test"):
        x, labels = (data.x, data.labels) if part == "train" else (data.test_x, data.test_labels)
        outputs = oracle.forward(weights, x.float().double()).numpy()
        targets = oracle.plus_minus_one(labels.tolist(), 3)
        loss, accuracy = (getattr(progress, f"{part}_{name}") for name in ("loss", "accuracy"))
        assert loss == pytest.approx(((outputs - targets) ** 2).mean(), rel=1e-5)
        assert accuracy == oracle.accuracy(outputs, labels.tolist())
    assert progress.train_loss != progress.test_loss


def test_batch_norm_learns_in_training_and_rests_in_evaluation(data):
    network = networks.Network(torch.nn.BatchNorm1d(DIMENSION), DIMENSION, 8, 3)
    trainer = Trainer(network, data, SGD, 0, CPU)
    seen = network.backbone.num_batches_tracked
    trainer.evaluate()
    assert seen == 0
    trainer.run_epoch()
    assert seen == 5
    first, second = trainer.evaluate(), trainer.evaluate()
    assert seen == 5
    assert first == second
    # In evaluation the running statistics are used, not those of the points at hand.
    network.backbone.running_mean += 1
    assert trainer.evaluate().train_loss != first.train_loss


def test_an_empty_test_set_has_neither_loss_nor_accuracy(data):
    alone = dataclasses.replace(data, test_x=data.test_x[:0], test_labels=data.test_labels[:0])
    progress = make_trainer(alone, SGD).evaluate()
    assert (progress.test_loss, progress.test_accuracy) == (None, None)
    assert progress.train_loss == make_trainer(data, SGD).evaluate().train_loss


@pytest.mark.parametrize(
    ("epochs", "every", "expected"),
    [
        (6, 2, [0, 2, 4, 6]),
        (10, 4, [0, 4, 8, 10]),
        (3, 10, [0, 3]),
        (3, 1, [0, 1, 2, 3]),
        (0, 5, [0]),
    ],
)
def test_measured_epochs(epochs, every, expected):
    settings = dataclasses.replace(SGD, epochs=epochs, measure_every=every)
    assert measured_epochs(settings) == expected


def test_train_measures_where_it_should(data):
    settings = dataclasses.replace(SGD, epochs=5)
    by_hand = make_trainer(data, settings)
    expected = [(None, by_hand.evaluate())]
    for epoch in range(1, 6):
        loss = by_hand.run_epoch()
        expected.append((loss, by_hand.evaluate() if epoch in (2, 4, 5) else None))
    assert list(train(make_trainer(data, settings))) == expected
    assert [p.epoch for _, p in expected if p] == [0, 2, 4, 5]


def test_training_learns(data):
    trainer = make_trainer(data, dataclasses.replace(SGD, learning_rate=0.02), gain=1.5)
    before = trainer.evaluate()
    run_epochs(trainer, 60)
    after = trainer.evaluate()
    assert after.train_loss < 0.1 * before.train_loss
    assert after.train_accuracy == 1


# --- giving up --------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_ends_it(data):
    trainer = make_trainer(data, dataclasses.replace(SGD, learning_rate=1e6))
    with pytest.raises(
        DivergenceError, match=r"(nan|inf) in epoch 1: lower learning_rate .*1e\+06"
    ):
        run_epochs(trainer, 1)


def test_divergence_in_the_last_step_does_too(data):
    """One batch an epoch, so the loss is taken before the only step: it is the next that is not."""
    settings = dataclasses.replace(SGD, learning_rate=1e30, batch_size=23, epochs=1)
    with pytest.raises(DivergenceError, match="epoch 1"):
        list(train(make_trainer(data, settings)))
    assert math.isfinite(make_trainer(data, settings).run_epoch())
