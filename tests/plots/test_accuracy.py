"""Accuracy over the layers: what is drawn is what the two tables say."""

import numpy as np
import pandas as pd
import pytest
from agop_collapse.plots import accuracy


@pytest.fixture(scope="module")
def rows(make_row):
    return [
        make_row("CIFAR-10, Laplace, ReLU", "cifar10", "laplace-relu-agop"),
        make_row("MNIST, Gaussian, ReLU", "mnist", "gaussian-relu-agop"),
    ]


@pytest.fixture(scope="module")
def tables(deep_rfm, predictors):
    shuffled = deep_rfm.sample(frac=1, random_state=0)
    return {"deep_rfm": shuffled, "predictor": predictors.sample(frac=1, random_state=1)}


def both(tables, row, part) -> pd.DataFrame:
    """Layers 1 to 20 of a run, and as the 21st its predictor."""
    last = part(tables["predictor"], row).assign(layer=21)
    names = {f"final_{of}_accuracy": f"{of}_accuracy" for of in ("train", "test")}
    layers = part(tables["deep_rfm"], row, stage="PhiMX")
    return pd.concat([layers, last.rename(columns=names)], ignore_index=True)


def test_lines_and_bands_are_the_seeds_of_each_layer_and_of_the_predictor(
    tables, rows, part, assert_series
):
    fig = accuracy.draw(tables, rows)
    assert len(fig.axes) == 2
    for row, ax in zip(rows, fig.axes, strict=True):
        assert len(ax.lines) == 2
        assert_series(ax, 0, both(tables, row, part), "layer", "train_accuracy")
        assert_series(ax, 1, both(tables, row, part), "layer", "test_accuracy")
        assert ax.lines[0].get_xdata()[-1] == 21
        low, high = ax.get_ylim()
        assert low < min(line.get_ydata().min() for line in ax.lines)
        assert 1 < high < 1.02
    assert len({(line.get_color(), line.get_linestyle()) for line in fig.axes[0].lines}) == 2
    assert [text.get_text() for text in fig.legends[0].get_texts()] == [
        "training points",
        "test points",
    ]
    assert fig.axes[0].get_ylabel() == "Accuracy"
    assert [ax.get_xlabel() for ax in fig.axes] == ["Layer $l$ of the predictor $f_l$"] * 2
    assert accuracy.note(tables, rows) == ""


def test_without_test_points_there_is_one_line(tables, rows):
    """In one run, or in all: then the legend does not name them either."""
    none = {
        name: table.assign(
            **{
                column: table[column].astype(object).where(table["dataset"] != "mnist", None)
                for column in table
                if column.endswith("test_accuracy")
            }
        )
        for name, table in tables.items()
    }
    fig = accuracy.draw(none, rows)
    assert [len(ax.lines) for ax in fig.axes] == [2, 1]
    assert len(fig.legends[0].get_texts()) == 2
    fig = accuracy.draw(none, rows[1:])
    assert [len(ax.lines) for ax in fig.axes] == [1]
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["training points"]


def test_perfect_accuracy_has_room(tables, rows):
    perfect = {
        name: table.assign(
            **{column: 1.0 for column in table if column.endswith("accuracy")},
        )
        for name, table in tables.items()
    }
    (ax,) = accuracy.draw(perfect, rows[:1]).axes
    low, high = ax.get_ylim()
    assert low < 1 < high


@pytest.mark.parametrize("where", ["layer", "predictor"])
def test_what_is_not_valid_is_lighter(tables, rows, where):
    """From a layer on; or the predictor alone, in one seed."""
    deep_rfm, predictors = (tables[name].copy() for name in ("deep_rfm", "predictor"))
    mine = predictors["study"] == "paper"
    mine &= (predictors["dataset"] == "mnist") & (predictors["seed"] == 1)
    predictors.loc[mine, "valid"] = False
    first = 21
    if where == "layer":
        first = 6
        bad = (deep_rfm["dataset"] == "mnist") & (deep_rfm["layer"] >= first)
        deep_rfm.loc[bad, "valid"] = False
    doubted = {"deep_rfm": deep_rfm, "predictor": predictors}
    fig = accuracy.draw(doubted, rows)
    sound, doubtful = fig.axes
    assert [line.get_alpha() for line in sound.lines] == [1, 1]
    strong, light = doubtful.lines[:2]
    np.testing.assert_array_equal(strong.get_xdata(), np.arange(1, first))
    np.testing.assert_array_equal(light.get_xdata(), np.arange(first - 1, 22))
    assert light.get_alpha() < strong.get_alpha() == 1
    assert fig.legends[0].get_texts()[-1].get_text() == "lighter: not to be trusted"
    assert accuracy.note(doubted, rows).endswith(f"MNIST, Gaussian, ReLU from layer {first}")


def test_a_run_without_its_predictor_is_refused(tables, rows):
    fewer = tables["predictor"].query("dataset != 'mnist'")
    with pytest.raises(ValueError, match="table predictor has nothing of the run.*'mnist'"):
        accuracy.draw(tables | {"predictor": fewer}, rows)
