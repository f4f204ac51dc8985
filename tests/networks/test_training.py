"""Training against loops written out by hand, resuming, giving up, and a GPU's captured steps."""

import contextlib
import copy
import dataclasses
import itertools
import math

import numpy as np
import oracle
import papers
import pytest
import torch
from agop_collapse.common.epochs import measured_epochs
from agop_collapse.data.dataset import Dataset
from agop_collapse.networks import architecture as networks
from agop_collapse.networks import cuda_graph as captured
from agop_collapse.networks import training
from agop_collapse.networks.activations import relu
from agop_collapse.networks.losses import cross_entropy, mse
from agop_collapse.networks.training import (
    DivergenceError,
    Settings,
    Trainer,
    train,
)
from clouds import cloud
from torch import nn

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
COUNTS, TEST_COUNTS, DIMENSION = [9, 6, 8], [3, 2, 4], 6
SGD = Settings(
    optimizer="sgd",
    learning_rate=0.1,
    momentum=0.9,
    recreate_optimizer=False,
    batch_size=5,
    epochs=6,
    measure_every=2,
    arithmetic="float32",
    loss=mse.loss,
)
ADAM = dataclasses.replace(SGD, optimizer="adam", learning_rate=0.01, momentum=0.0)
CROSS_ENTROPY = dataclasses.replace(SGD, loss=cross_entropy.loss)
DECAYING = [
    dataclasses.replace(SGD, weight_decay=0.3),
    dataclasses.replace(ADAM, weight_decay=0.3),
    dataclasses.replace(ADAM, optimizer="adamw", weight_decay=3.0),
]
SCHEDULED = [
    dataclasses.replace(SGD, schedule="cosine"),
    dataclasses.replace(SGD, schedule="steps", schedule_factor=0.5),
    dataclasses.replace(ADAM, schedule="steps", schedule_factor=0.5),
]


@pytest.fixture(scope="module")
def data() -> Dataset:
    train_part, test_part = cloud(0, COUNTS, DIMENSION), cloud(1, TEST_COUNTS, DIMENSION)
    labels, test_labels = (
        torch.tensor(oracle.classes_of(counts)) for counts in (COUNTS, TEST_COUNTS)
    )
    image = (1, 2, 3)
    return Dataset(2 * train_part.x, labels, 2 * test_part.x, test_labels, image, 3)


def make_trainer(
    data: Dataset, settings: Settings, seed: int = 0, gain: float = 1.0, device: torch.device = CPU
) -> Trainer:
    network = networks.build(papers.mlp(12, gain), data.image_shape, data.classes, 3)
    return Trainer(network, data, settings, seed, device)


def weights_of(trainer: Trainer) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in trainer.network.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def of_images(trainer: Trainer) -> nn.Module:
    """A trainer's network as a module of one's own, with the same weights."""
    network = copy.deepcopy(trainer.network)
    hidden = [part for layer in network.hidden for part in (layer, nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, network.readout)


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
    *DECAYING,
    *SCHEDULED,
    CROSS_ENTROPY,
]
LOSSES = {"mse": mse.loss, "cross_entropy": cross_entropy.loss}


def loss_of(settings: Settings) -> str:
    return next(name for name, loss in LOSSES.items() if loss is settings.loss)


def name_of(settings: Settings) -> str:
    made = "anew" if settings.recreate_optimizer else "kept"
    named = [settings.optimizer, settings.momentum, made, loss_of(settings), settings.schedule]
    return "-".join(map(str, [*named, settings.weight_decay]))


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

    rates = {
        "constant": [1, 1, 1],
        "cosine": [1, (1 + math.sqrt(0.75)) / 2, 0.75],  # of six epochs
        "steps": [1, 1, 0.5],
    }
    rule = optimizer()
    for epoch, loss in enumerate(losses):
        if settings.recreate_optimizer:
            rule = optimizer()
        rule.rate = settings.learning_rate * rates[settings.schedule][epoch]
        total = 0.0
        for batch in batches[5 * epoch : 5 * epoch + 5]:
            value, gradients = oracle.gradients_of_loss(
                weights, x[batch], targets[batch], loss_of(settings)
            )
            decay = settings.weight_decay
            if settings.optimizer == "adamw":
                weights = [(1 - rule.rate * decay) * weight for weight in weights]
            else:
                gradients = [g + decay * w for g, w in zip(gradients, weights, strict=True)]
            weights = rule.step(weights, gradients)
            total += value * len(batch)
        assert loss == pytest.approx(total / len(x), rel=1e-4)
    for found, expected, before in zip(weights_of(trainer), weights, start, strict=True):
        change = np.linalg.norm(expected - before)
        assert change > 0.05
        assert np.linalg.norm(found.numpy() - expected) < 1e-3 * change


def by_torch(name: str, outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    if name == "cross_entropy":
        return -outputs.log_softmax(dim=1)[range(len(labels)), labels].mean()
    targets = torch.tensor(oracle.plus_minus_one(labels.tolist(), 3), dtype=outputs.dtype)
    return ((outputs - targets) ** 2).mean()


@pytest.mark.parametrize("name", LOSSES)
def test_the_oracles_gradient_is_autograds(data, name):
    weights = [weight.double().requires_grad_() for weight in weights_of(make_trainer(data, SGD))]
    targets = oracle.plus_minus_one(data.labels.tolist(), 3)
    loss = by_torch(name, oracle.forward(weights, data.x), data.labels)
    loss.backward()
    arrays = [weight.detach().numpy() for weight in weights]
    value, gradients = oracle.gradients_of_loss(arrays, data.x.numpy(), targets, name)
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


@pytest.mark.parametrize("settings", VARIANTS[:-1], ids=name_of)
def test_an_optimizer_that_forgets_is_a_new_one_bit_for_bit(data, settings):
    trainer = make_trainer(data, dataclasses.replace(settings, recreate_optimizer=True))
    network = copy.deepcopy(trainer.network)
    batches = watch_batches(trainer, data)
    run_epochs(trainer, 3)
    x = data.x.float()
    targets = torch.tensor(oracle.plus_minus_one(data.labels.tolist(), 3), dtype=torch.float32)
    for epoch in range(3):
        kept = {
            "lr": training.learning_rate(settings, epoch),
            "weight_decay": settings.weight_decay,
        }
        if settings.optimizer == "sgd":
            optimizer = torch.optim.SGD(network.parameters(), momentum=settings.momentum, **kept)
        else:
            made = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.optimizer]
            optimizer = made(network.parameters(), **kept)
        for batch in batches[5 * epoch : 5 * epoch + 5]:
            optimizer.zero_grad()
            ((network(x[batch]) - targets[batch]) ** 2).mean().backward()
            optimizer.step()
    assert same(weights_of(trainer), list(network.parameters()))


def test_schedules_are_their_formulas():
    def rates(schedule: str, epochs: int, factor: float = 0.1) -> list[float]:
        settings = dataclasses.replace(
            SGD, learning_rate=2.0, schedule=schedule, schedule_factor=factor, epochs=epochs
        )
        return [training.learning_rate(settings, epoch) for epoch in range(epochs)]

    assert rates("constant", 3) == [2, 2, 2]
    assert rates("steps", 6) == pytest.approx([2, 2, 0.2, 0.2, 0.02, 0.02])
    # After a third of 500 epochs, 166.7, and after two thirds, 333.3.
    steps = rates("steps", 500, 0.5)
    assert [epoch for epoch in range(1, 500) if steps[epoch] != steps[epoch - 1]] == [167, 334]
    cosine = rates("cosine", 4)
    assert cosine == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5)])
    with pytest.raises(ValueError, match="unknown schedule 'linear'; known: constant, cosine"):
        rates("linear", 3)


def test_unknown_optimizer(data):
    with pytest.raises(ValueError, match="unknown optimizer 'lion'; known: sgd, adam"):
        make_trainer(data, dataclasses.replace(SGD, optimizer="lion"))


@pytest.mark.parametrize("settings", [SGD, ADAM, SCHEDULED[0]], ids=["SGD", "Adam", "cosine"])
def test_a_module_of_images_is_trained_as_a_network_of_rows(data, settings):
    rows = make_trainer(data, settings)
    images = Trainer(of_images(rows), data, settings, 0, CPU, as_images=True, at_a_time=4)
    shapes = set()
    images.network.register_forward_pre_hook(lambda _, given: shapes.add(tuple(given[0].shape[1:])))
    assert run_epochs(images, 3) == run_epochs(rows, 3)
    assert same(weights_of(images), weights_of(rows))
    found, expected = (dataclasses.astuple(trainer.evaluate()) for trainer in (images, rows))
    assert found == pytest.approx(expected, rel=1e-6)
    assert shapes == {data.image_shape}


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
            epoch > 0
            and not settings.recreate_optimizer
            and (settings.optimizer != "sgd" or settings.momentum > 0)
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


def test_backbone_that_draws_resumes_and_draws_by_its_seed(data):
    """Dropout takes what it drops from the global generator, whatever that is before."""

    def with_dropout(channels: int, height: int, width: int) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5))

    def trainer(seed: int) -> Trainer:
        architecture = dataclasses.replace(papers.mlp(12, 1.0), backbone=with_dropout)
        network = networks.build(architecture, data.image_shape, data.classes, 3)
        return Trainer(network, data, SGD, seed, CPU)

    unbroken = trainer(0)
    run_epochs(unbroken, 2)
    weights = copy.deepcopy(unbroken.network.state_dict())
    state = copy.deepcopy(unbroken.optimizer_state())
    run_epochs(unbroken, 2)
    torch.manual_seed(123)
    resumed, other = trainer(0), trainer(1)
    for each in (resumed, other):
        each.resume(2, weights, copy.deepcopy(state))
        run_epochs(each, 2)
    assert same(weights_of(resumed), weights_of(unbroken))
    assert not same(weights_of(other), weights_of(unbroken))


# --- measuring --------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [SGD, CROSS_ENTROPY], ids=loss_of)
@pytest.mark.parametrize("batch", [4096, 4])
def test_evaluation_is_its_formula(data, monkeypatch, batch, settings):
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch)
    trainer = make_trainer(data, settings)
    run_epochs(trainer, 2)
    before = weights_of(trainer)
    progress = trainer.evaluate()
    assert same(before, weights_of(trainer))
    assert progress.epoch == 2
    weights = [weight.double() for weight in before]
    for part in ("train", "test"):
        x, labels = (data.x, data.labels) if part == "train" else (data.test_x, data.test_labels)
        outputs = oracle.forward(weights, x.float().double())
        expected = float(by_torch(loss_of(settings), outputs, labels))
        loss, accuracy = (getattr(progress, f"{part}_{name}") for name in ("loss", "accuracy"))
        assert loss == pytest.approx(expected, rel=1e-5)
        assert accuracy == oracle.accuracy(outputs.numpy(), labels.tolist())
    assert progress.train_loss != progress.test_loss


def test_batch_norm_learns_in_training_and_rests_in_evaluation(data):
    network = networks.Network(torch.nn.BatchNorm1d(DIMENSION), DIMENSION, 8, 3, relu.activation)
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


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_training_learns(data, loss):
    settings = dataclasses.replace(SGD, learning_rate=0.02, loss=loss)
    trainer = make_trainer(data, settings, gain=1.5)
    before = trainer.evaluate()
    run_epochs(trainer, 60)
    after = trainer.evaluate()
    assert after.train_loss < 0.1 * before.train_loss
    assert after.train_loss < loss.fitted_below < before.train_loss
    assert after.train_accuracy == 1


# --- giving up --------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_ends_it(data):
    trainer = make_trainer(data, dataclasses.replace(SGD, learning_rate=1e6))
    with pytest.raises(
        DivergenceError, match=r"(nan|inf) in epoch 1: lower learning_rate .*1e\+06"
    ):
        run_epochs(trainer, 1)


@pytest.mark.parametrize("decay", [0.0, 1e6])
def test_weight_decay_is_named_where_there_is_some(data, decay):
    settings = dataclasses.replace(SGD, learning_rate=1e6, weight_decay=decay)
    with pytest.raises(DivergenceError) as error:
        run_epochs(make_trainer(data, settings), 1)
    assert ("weight_decay (now 1e+06)" in str(error.value)) == bool(decay)


def test_divergence_in_the_last_step_does_too(data):
    """One batch an epoch, so the loss is taken before the only step: it is the next that is not."""
    settings = dataclasses.replace(SGD, learning_rate=1e30, batch_size=23, epochs=1)
    with pytest.raises(DivergenceError, match="epoch 1"):
        list(train(make_trainer(data, settings)))
    assert math.isfinite(make_trainer(data, settings).run_epoch())


# --- arithmetic -------------------------------------------------------------------------------


def with_arithmetic(arithmetic: str, settings: Settings = SGD) -> Settings:
    return dataclasses.replace(settings, arithmetic=arithmetic)


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=name_of)
def test_bf16_trains_nearly_as_float32_with_float32_weights(data, settings):
    exact, coarse = (make_trainer(data, with_arithmetic(a, settings)) for a in ("float32", "bf16"))
    start = weights_of(exact)
    assert coarse.evaluate() == exact.evaluate()  # evaluation is in float32
    losses, coarse_losses = run_epochs(exact, 4), run_epochs(coarse, 4)
    assert coarse_losses != losses
    assert coarse_losses == pytest.approx(losses, rel=0.02)
    for found, expected, before in zip(weights_of(coarse), weights_of(exact), start, strict=True):
        assert found.dtype == torch.float32
        change = (expected - before).norm()
        # Rounding in float32 makes 1e-5.
        assert 1e-3 * change < (found - expected).norm() < 0.3 * change


def tf32_flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("learning_rate", [0.1, 1e6], ids=["trains", "diverges"])
@pytest.mark.parametrize("arithmetic", training.ARITHMETICS)
def test_tf32_is_allowed_in_its_own_steps_only(data, arithmetic, learning_rate):
    settings = dataclasses.replace(with_arithmetic(arithmetic), learning_rate=learning_rate)
    trainer = make_trainer(data, settings)
    seen: dict[bool, set] = {True: set(), False: set()}

    def look(layer, *_):
        seen[layer.training].add(tf32_flags())

    trainer.network.readout.register_forward_pre_hook(look)
    trainer.network.readout.register_full_backward_pre_hook(look)
    before = tf32_flags()
    assert before == (False, True)  # PyTorch's own: neither float32 nor TF32
    trainer.evaluate()
    with contextlib.suppress(DivergenceError):
        trainer.run_epoch()
    allowed = arithmetic == "tf32"
    assert seen == {True: {(allowed, allowed)}, False: {(False, False)}}
    assert tf32_flags() == before


def test_unknown_arithmetic(data):
    with pytest.raises(ValueError, match="unknown arithmetic 'fp16'; known: float32, tf32, bf16"):
        make_trainer(data, with_arithmetic("fp16"))


# --- on a GPU ---------------------------------------------------------------------------------


def tensors_of(trainer: Trainer) -> list[torch.Tensor]:
    """All that a step changes: weights, running statistics and the optimizer's buffers."""
    buffers = [buffer for state in trainer.optimizer.state.values() for buffer in state.values()]
    return [
        *trainer.network.state_dict().values(),
        *(buffer for buffer in buffers if buffer is not None),
    ]


def convolutional() -> networks.Network:
    """Convolutions and batch normalisation, of 1 x 2 x 3 images; biases would have no gradient."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [
            nn.Unflatten(1, (1, 2, 3)),
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.Flatten(),
        ]
        return networks.Network(nn.Sequential(*layers), 48, 12, 3, relu.activation)


def any_trainer(data: Dataset, settings: Settings, model: str, device: torch.device) -> Trainer:
    if model == "mlp":
        return make_trainer(data, settings, device=device)
    return Trainer(convolutional(), data, settings, 0, device)


def assert_near(found: Trainer, expected: Trainer, start: Trainer, tolerance: float) -> None:
    """Weights and running statistics, their differences in parts of what training changed."""
    states = [trainer.network.state_dict() for trainer in (found, expected, start)]
    for name in states[0]:
        value, wanted, before = (state[name].cpu().double() for state in states)
        assert (value - wanted).norm() <= tolerance * (wanted - before).norm(), name


MODELS = ["mlp", "convolutional"]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_steps_change_their_tensors_in_place(data, settings, model):
    """What a captured step relies on: its replay knows the addresses of its capture only."""
    trainer = any_trainer(data, settings, model, CPU)
    run_epochs(trainer, 1)
    before = tensors_of(trainer)  # kept, so that no new tensor has the address of one of them
    values = [tensor.clone() for tensor in before]
    run_epochs(trainer, 2)
    after = tensors_of(trainer)
    assert [a.data_ptr() for a in after] == [b.data_ptr() for b in before]
    # Adam that forgets has taken as many steps.
    unchanged = [b for a, b in zip(after, values, strict=True) if torch.equal(a, b)]
    assert all(value.shape == () for value in unchanged)


@pytest.mark.parametrize("settings", [SGD, ADAM], ids=name_of)
def test_channels_last_trains_as_any_order_in_memory(data, settings):
    start, plain, other = (any_trainer(data, settings, "convolutional", CPU) for _ in range(3))
    other.network.to(memory_format=torch.channels_last)
    run_epochs(plain, 4), run_epochs(other, 4)
    assert not other.network.backbone[4].weight.is_contiguous()
    assert_near(other, plain, start, 1e-2)


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU to capture a step on")


def count_calls(trainer: Trainer) -> list[int]:
    """Sizes of the batches that the network is called with; a replay calls nothing."""
    sizes: list[int] = []
    trainer.network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    return sizes


@gpu
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("settings", "tolerance"),
    [
        # Another rounding of the first weights makes 4e-4 in float32, and 0.1 in bf16.
        *((settings, 1e-2) for settings in VARIANTS),
        *((with_arithmetic("tf32", settings), 0.3) for settings in VARIANTS[:3]),
        *((with_arithmetic("bf16", settings), 0.3) for settings in VARIANTS[:3]),
    ],
)
def test_captured_steps_are_the_plain_loop(data, monkeypatch, settings, tolerance, model):
    start, plain, replayed = (any_trainer(data, settings, model, CUDA) for _ in range(3))
    with monkeypatch.context() as patch:
        patch.setattr(captured, "WARM_UP", math.inf)
        sizes = count_calls(plain)
        losses = run_epochs(plain, 4)
        assert sizes == [5, 5, 5, 5, 3] * 4
    sizes = count_calls(replayed)
    assert run_epochs(replayed, 4) == pytest.approx(losses, rel=tolerance)
    assert sizes == [5] * captured.WARM_UP + [5, 3] + [3] * 3  # warm-up, capture, last batches
    assert_near(replayed, plain, start, tolerance)


@gpu
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_a_gpu_trains_as_the_cpu(data, settings, model):
    start, on_cpu = (any_trainer(data, settings, model, CPU) for _ in range(2))
    on_gpu = any_trainer(data, settings, model, CUDA)
    losses = run_epochs(on_cpu, 4)
    assert run_epochs(on_gpu, 4) == pytest.approx(losses, rel=1e-3)
    assert_near(on_gpu, on_cpu, start, 1e-2)


@gpu
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("settings", VARIANTS, ids=name_of)
def test_captured_steps_resume(data, settings, model):
    """Also a trainer whose step was captured with an optimizer's state that is no more."""
    start, unbroken, resumed = (any_trainer(data, settings, model, CUDA) for _ in range(3))
    run_epochs(unbroken, 2), run_epochs(resumed, 3)
    weights = {name: value.cpu() for name, value in unbroken.network.state_dict().items()}
    state = {name: value.cpu() for name, value in unbroken.optimizer_state().items()}
    resumed.resume(2, weights, state)
    losses = run_epochs(unbroken, 2)
    assert run_epochs(resumed, 2) == pytest.approx(losses, rel=1e-3)
    assert_near(resumed, unbroken, start, 1e-2)
