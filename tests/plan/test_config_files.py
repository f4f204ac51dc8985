"""What YAML takes from a file without a word."""

from pathlib import Path

import pytest
import yaml
from agop_collapse.plan.config_errors import ConfigError
from agop_collapse.plan.config_files import expect_plain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def refusal(tmp_path, monkeypatch):
    """Function from a file's text to what is said of it."""
    monkeypatch.chdir(tmp_path)

    def say(text: str) -> list[str]:
        Path("mine.yaml").write_text(text)
        with pytest.raises(ConfigError) as error:
            expect_plain([Path("mine.yaml").absolute()])
        return str(error.value).splitlines()

    return say


def test_a_key_that_stands_twice_is_named(refusal):
    text = "study: a\nstudies:\n  a:\n    seeds: [0]\n    datasets: {}\n    'seeds': [1]\n"
    assert yaml.safe_load(text)["studies"]["a"]["seeds"] == [1]  # without a word
    assert refusal(text) == [
        "mine.yaml, line 6: the key seeds stands in the same block in line 4, and YAML takes the "
        "last alone; leave one out"
    ]
    assert len(refusal("a: [{b: 1, b: 2}]\nc: 1\nc: 2\nc: 3\n")) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("010", "YAML reads 010 as 8, in octal; write 10, or 8"),
        ("-017", "YAML reads -017 as -15, in octal; write -17, or -15"),
        ("1:30", 'YAML reads 1:30 as 90, in base 60; write "1:30" in quotes if it is text'),
        ("1:30.5", 'YAML reads 1:30.5 as 90.5, in base 60; write "1:30.5" in quotes if it is text'),
    ],
)
def test_a_number_that_yaml_reads_as_another_is_named(refusal, text, said):
    assert yaml.safe_load(text) != text
    assert refusal(f"a:\n  b: [0, {text}]\n") == [f"mine.yaml, line 2: {said}"]


@pytest.mark.parametrize(
    "text",
    [
        "a: {b: 1}\nc: {b: 1}\n",
        "a: [0, 10, 0.1, 1_000, 0x10, 1.0e-3, '010', \"1:30\", 08]\n",
        "a: &x {b: 1}\nc: {<<: *x, b: 2}\nd: [*x, *x]\n",
        "a: &x [*x]\n",
        '{"a": 1, "1": 2, "b": {"a": 1}}',
        "",
        "a: [",  # which Snakemake says
    ],
)
def test_all_else_is_left_alone(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    expect_plain([tmp_path / "mine.yaml", tmp_path / "missing.yaml"])


def test_the_projects_own_is_plain():
    expect_plain([ROOT / "config.yaml"])
