"""Objects found by the place of their code: what a configuration names is looked up, not listed."""

import importlib
import sys

from .errors import UserError


def find_object(place: str) -> object:
    """The object at "module:object", of the library or of a file of the user's own.

    Parameters
    ----------
    place : a module, looked for in the working folder too, and an object in it, such as
        "agop_collapse.machine.kernels.laplace:kernel" or "my_kernels:cauchy"

    Raises
    ------
    UserError : when there is no such module or object; the message says which.
    """
    module, _, name = place.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise UserError(f"{place!r} must read module:object, as in my_file:my_object")
    if "" not in sys.path:  # the working folder, which a script's path need not hold
        sys.path.append("")
    # Bytecode is taken for its source's by size and time; the user's own file is read each time.
    sys.dont_write_bytecode = True
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{place!r} cannot be found: {error}") from error
