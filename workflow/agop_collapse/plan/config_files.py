"""What YAML takes from a configuration's file without a word: keys given twice, numbers misread."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from .config_errors import ConfigError

INTEGER, FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


def expect_plain(files: Iterable[Path | str]) -> None:
    """Look through files of the configuration for what reading them does not show.

    Raises
    ------
    ConfigError : naming file, line and key of each key that stands twice in one block, and of each
        number that YAML 1.1 reads in octal (010) or in base 60 (1:30).
    """
    mistakes = [mistake for file in files for mistake in _mistakes(Path(file))]
    if mistakes:
        raise ConfigError("\n".join(dict.fromkeys(mistakes)))


def _mistakes(file: Path) -> Iterator[str]:
    try:
        root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return  # which is for who reads it as a whole to say
    below = Path.cwd() in file.absolute().parents
    name = os.path.relpath(file) if below else str(file)
    waiting, seen = [root] if root else [], set()
    while waiting:
        node = waiting.pop(0)
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield from _twice(node, name)
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif node.tag in (INTEGER, FLOAT):
            yield from _misread(node, name)


def _twice(block: yaml.MappingNode, file: str) -> Iterator[str]:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in block.value:
        if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
            continue
        if (known := (key.tag, key.value)) in lines:
            yield (
                f"{file}, line {_line(key)}: the key {key.value} stands in the same block in line "
                f"{lines[known]}, and YAML takes the last alone; leave one out"
            )
        lines[known] = _line(key)


def _misread(number: yaml.ScalarNode, file: str) -> Iterator[str]:
    text = number.value
    if ":" in text:
        base, plain = "in base 60", f'"{text}" in quotes if it is text'
    elif number.tag == INTEGER and re.fullmatch(r"[-+]?0[0-7_]+", text):
        base, plain = "in octal", f"{int(text.replace('_', ''))}, or {yaml.safe_load(text)}"
    else:
        return
    found = yaml.safe_load(text)
    yield f"{file}, line {_line(number)}: YAML reads {text} as {found}, {base}; write {plain}"


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
