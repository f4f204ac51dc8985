"""What a claim of the paper is: a sentence, the numbers that it rests on, and their bounds."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .evidence import Evidence


@dataclass(frozen=True)
class UpTo:
    """A setting of at most so much."""

    most: float

    def __contains__(self, value: Any) -> bool:
        return value <= self.most


@dataclass(frozen=True)
class Quantity:
    """A number that a claim rests on.

    name : short, unique in its claim
    words : what it is, as in "NC1 at layer 10 over that of the input"
    least, most : between which it must lie; of neither it is told, and decides nothing
    strict : whether it must not be equal to them
    paper : what the paper has for it
    """

    name: str
    words: str
    least: float | None = None
    most: float | None = None
    strict: bool = False
    paper: float | None = None

    @property
    def decides(self) -> bool:
        return self.least is not None or self.most is not None

    def holds(self, value: float) -> bool:
        """Whether a number lies within the bounds, if there are any; nan never does."""
        if not self.decides:
            return True
        least = -math.inf if self.least is None else self.least
        most = math.inf if self.most is None else self.most
        return least < value < most if self.strict else least <= value <= most

    @property
    def bounds(self) -> str:
        """The bounds in words; empty without any."""
        over, under = ("above", "below") if self.strict else ("at least", "at most")
        if self.least is None or self.most is None:
            parts = [(over, self.least), (under, self.most)]
            return "".join(f"{word} {bound:g}" for word, bound in parts if bound is not None)
        middle, room = (self.least + self.most) / 2, (self.most - self.least) / 2
        return f"{middle:g} ± {room:g}" if room else f"{middle:g}"


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    id : as docs/claims.md has it
    source : where the paper says so
    sentence : in short
    about : the runs that it is about, as in "The study has no Deep RFM with the AGOP"
    tables : of the study, that the numbers come from
    measure : from a run's rows to the value of each quantity, by its name
    quantities : all must be within their bounds, for each run and seed
    runs : settings of the runs that it is about, as the table `runs` has them, of any of these: a
        value, one of several, or `UpTo`; none for what is of no run
    figure : kind of the figures that show it
    printed : whether the paper says so; otherwise it is what holds instead
    seeds_together : whether `measure` is given all seeds of a run at once
    datasets : on so many data sets at least it must hold
    """

    id: str
    source: str
    sentence: str
    about: str
    tables: tuple[str, ...]
    measure: Callable[[Evidence], Mapping[str, float]]
    quantities: tuple[Quantity, ...]
    runs: tuple[Mapping[str, Any], ...] = ()
    figure: str | None = None
    printed: bool = True
    seeds_together: bool = False
    datasets: int = 1

    @property
    def predicate(self) -> str:
        """What must be true, in words."""
        parts = [f"{each.words}: {each.bounds}" for each in self.quantities if each.decides]
        return "; ".join(parts)

    def is_about(self, run: Mapping[str, Any]) -> bool:
        """Whether it is about a run, by its settings."""
        return any(
            all(_is(run[name], wanted) for name, wanted in each.items()) for each in self.runs
        )


def _is(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, tuple | UpTo) else value == wanted
