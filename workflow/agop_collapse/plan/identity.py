"""The identity of a result: a digest of its settings, its code, and what it is made from.

It flows down: the identity of a figure changes when anything above it does, so that Snakemake,
which is given it as a rule's parameter, derives all of it again, whatever became of what lies
between.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def identity(rule: str, settings: Mapping[str, Any], code: str, made_from: Iterable[str]) -> str:
    """SHA-256 of what a rule makes, as 64 hex digits.

    Parameters
    ----------
    rule : its name
    settings : plain values (JSON), all that decides the result; the order of keys says nothing
    code : digest of its code, of `code_digest`
    made_from : identities of what it is made from, in the order in which that matters

    Raises
    ------
    ValueError : on a number that is not finite.
    TypeError : on a value that JSON has not.
    """
    facts = {"rule": rule, "settings": settings, "code": code, "made_from": list(made_from)}
    return digest_of(facts)


def digest_of(facts: Any) -> str:
    """SHA-256 of JSON values; floats by the shortest digits that are the number."""
    text = json.dumps(facts, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
