"""Several runs in one panel: what is drawn is what the tables say."""

import numpy as np
import pytest
from agop_collapse.plots import overlay


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("MNIST, ReLU", "mnist", "gaussian-relu-agop"),
        make_row("MNIST, cos", "mnist", "gaussian-cos-agop"),
        make_row("SVHN, of another study", "svhn", "laplace-relu-agop", study="other"),
    ]


@pytest.fixture(scope="module")
def models(make_row):
    return [
        make_row("MNIST, MLP", "mnist", "mlp"),
        make_row("CIFAR-10, ResNet18", "cifar10", "resnet18"),
    ]


def test_a_line_for_each_row_against_the_layer(deep_rfm, rows, part, assert_series):
    shuffled = deep_rfm.sample(frac=1, random_state=0)
    fig = overlay.draw({"deep_rfm": shuffled}, rows, table="deep_rfm", y="nc1", stage="MX")
    (ax,) = fig.axes
    assert len(ax.lines) == 3
    for index, row in enumerate(rows):
        assert_series(ax, index, part(deep_rfm, row, stage="MX"), "layer", "nc1")
    assert ax.get_yscale() == "log"
    assert ax.get_xticks().tolist() == [1, 5, 10, 15, 20]
    assert ax.get_xlabel() == "Layer of Deep RFM"
    assert ax.get_ylabel() == "NC1: tr$(\\Sigma_W)$ / tr$(\\Sigma_B)$\nof $M^{1/2}X$"
    (legend,) = fig.legends
    assert [text.get_text() for text in legend.get_texts()] == [row["label"] for row in rows]
    colours = [line.get_color() for line in ax.lines]
    assert [handle.get_color() for handle in legend.legend_handles] == colours
    for attribute in ("color", "linestyle", "marker"):
        assert len({getattr(line, f"get_{attribute}")() for line in ax.lines}) == 3


@pytest.mark.parametrize(
    ("labels", "heading", "names"),
    [
        (["MNIST, ReLU", "MNIST, cos"], "MNIST", ["ReLU", "cos"]),
        (["MNIST, A, b", "SVHN, A, b"], "A, b", ["MNIST", "SVHN"]),
        (["MNIST, A, b", "MNIST, c, b", "MNIST, c, d"], "MNIST", ["A, b", "c, b", "c, d"]),
        (["MNIST, A", "SVHN, b"], "", ["MNIST, A", "SVHN, b"]),
        (["MNIST, A"], "MNIST, A", [""]),
        # Of the first, nothing would be left.
        (["MNIST, A", "MNIST, A, b"], "", ["MNIST, A", "MNIST, A, b"]),
        # The two would be one.
        (["MNIST, A, b", "MNIST, b, A"], "", ["MNIST, A, b", "MNIST, b, A"]),
    ],
)
def test_what_all_labels_share_is_the_heading(deep_rfm, rows, labels, heading, names):
    assert overlay.shared_heading(labels) == (heading, names)
    lines = [row | {"label": label} for row, label in zip(rows, labels, strict=False)]
    fig = overlay.draw({"deep_rfm": deep_rfm}, lines, table="deep_rfm", y="nc1", stage="MX")
    assert fig.axes[0].get_title() == heading
    shown = [text.get_text() for legend in fig.legends for text in legend.get_texts()]
    assert shown == [name for name in names if name]


def test_against_the_epoch_at_a_layer(networks, models, part, assert_series):
    options = {"table": "network_nfa", "y": "nfa", "x": "epoch"}
    for layer, drawn, where in ((2, 2, "layer 2"), ("last", 5, "last layer")):
        fig = overlay.draw(networks, models, **options, layer=layer)
        (ax,) = fig.axes
        for index, row in enumerate(models):
            points = part(networks["network_nfa"], row, layer=drawn)
            assert_series(ax, index, points, "epoch", "nfa")
        assert ax.get_ylabel() == f"NFA correlation\n{where}"
        assert ax.get_xlabel() == "Epoch"
        assert ax.get_ylim() == (0, 1)
        assert ax.get_xticks().tolist() == [0, 100, 200, 300, 400, 500]


def test_against_the_layer_at_an_epoch(networks, models, part, assert_series):
    for epoch, drawn in (("last", 500), (100, 100)):
        fig = overlay.draw(networks, models, "network_nc", "nc2", stage="full", epoch=epoch)
        (ax,) = fig.axes
        for index, row in enumerate(models):
            points = part(networks["network_nc"], row, stage="full", epoch=drawn)
            assert_series(ax, index, points, "layer", "nc2")
        assert ax.get_xlabel() == "Layer"
        assert ax.get_xticks().tolist() == [1, 2, 3, 4, 5]
        assert ax.get_ylim()[0] == 0
    assert ax.get_ylabel().endswith("\nof $\\sigma(USV^{\\!\\top}\\!\\Phi(X))$, epoch 100")


def test_table_without_layers(networks, models, part, assert_series):
    fig = overlay.draw(networks, models, "network_training", "train_loss", x="epoch")
    for index, row in enumerate(models):
        points = part(networks["network_training"], row)
        assert_series(fig.axes[0], index, points, "epoch", "train_loss")
    assert fig.axes[0].get_ylabel() == "Train loss"
    assert fig.axes[0].get_yscale() == "log"


def test_doubtful_layers_are_lighter(deep_rfm, rows, part):
    frame = deep_rfm.copy()
    bad = part(frame, rows[1], seed=0).query("layer >= 6").index
    frame.loc[bad, "valid"] = False
    tables = {"deep_rfm": frame}
    fig = overlay.draw(tables, rows, table="deep_rfm", y="nc1", stage="X")
    sound, strong, light, _ = fig.axes[0].lines
    means = part(frame, rows[1], stage="X").groupby("layer")["nc1"].mean()
    np.testing.assert_allclose(strong.get_ydata(), means.loc[:5])
    np.testing.assert_allclose(light.get_ydata(), means.loc[5:])
    assert sound.get_alpha() == strong.get_alpha() == 1
    assert light.get_alpha() < 0.5
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"
    assert overlay.note(tables, rows).endswith(": MNIST, cos from layer 6")


def test_doubt_about_a_gram_matrix_is_that_of_the_projections_in_it(deep_rfm, rows):
    """Layer l of the table gram has had l - 1 projections."""
    deep = deep_rfm.assign(valid=deep_rfm["layer"] < 3)
    gram = deep[deep["stage"] == "MX"].drop(columns=["stage", "valid"])
    gram = gram.assign(applied_layer=gram["layer"] - 1, within_mean=0.5)
    fig = overlay.draw({"deep_rfm": deep, "gram": gram}, rows[:1], "gram", "within_mean")
    strong, _ = fig.axes[0].lines
    assert strong.get_xdata().tolist() == [1, 2, 3]


def test_networks_that_are_not_fitted_are_lighter(networks, models, part):
    training = networks["network_training"].copy()
    training.loc[part(training, models[1], seed=1, epoch=500).index, "fitted"] = False
    tables = networks | {"network_training": training}
    for x in ("epoch", "layer"):
        fig = overlay.draw(tables, models, "network_nfa", "nfa", x=x)
        fitted, unfitted = fig.axes[0].lines
        assert fitted.get_alpha() == 1
        assert unfitted.get_alpha() < 0.5
        assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not fitted"
    assert overlay.note(tables, models) == ". Not fitted: CIFAR-10, ResNet18"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"table": "network_nfa", "y": "nc1"}, "network_nfa has no measure nc1; it has .*'nfa'"),
        ({"table": "network_nfa", "y": "nfa", "epoch": 7}, "has no epoch 7"),
        ({"table": "network_nc", "y": "nc1"}, "needs a stage"),
        ({"table": "network_training", "y": "train_loss"}, "network_training has no column layer"),
    ],
)
def test_what_is_not_there(networks, models, options, message):
    with pytest.raises(ValueError, match=message):
        overlay.draw(networks, models, **options)


def test_run_that_is_not_there(networks, make_row):
    with pytest.raises(ValueError, match="nothing of the run.*'vgg11'"):
        overlay.draw(networks, [make_row("VGG-11", "mnist", "vgg11")], "network_nfa", "nfa")
