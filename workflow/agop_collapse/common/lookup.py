"""Objects found by the place of their code: what a configuration names is looked up, not listed."""

import importlib
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from .errors import UserError


def find_object(place: str) -> object:
    """The object at "module:object", of the library or of a file of the user's own.

    Parameters
    ----------
    place : a module, looked for in the working folder too, and an object in it, such as
        "agop_collapse.machine.kernels.laplace:kernel" or "my_kernels:cauchy"

    Raises
    ------
    UserError : when there is no such module or object, or another module has the name of a file in
        the working folder; the message says which.
    """
    module, _, name = place.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), name)):
        raise UserError(f"{place!r} must read module:object, as in my_file:my_object")
    if "" not in sys.path:  # the working folder, which a script's path need not hold
        sys.path.append("")
    # Bytecode is taken for its source's by size and time; the user's own file is read each time.
    sys.dont_write_bytecode = True
    try:
        found = importlib.import_module(module)
        _expect_own(place, found)
        return getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{place!r} cannot be found: {error}") from error


def own_file(place: str) -> Path:
    """The file of a "module:object" of the user's own, relative to the working folder."""
    return Path(*place.partition(":")[0].split(".")).with_suffix(".py")


def _expect_own(place: str, module: ModuleType) -> None:
    """Raise UserError where a file of the user's own is there, and another was imported."""
    own, imported = own_file(place), getattr(module, "__file__", None)
    if place.split(".")[0] == __name__.split(".")[0] or not own.is_file():
        return
    if imported is None or not os.path.samefile(imported, own):
        raise UserError(taken(place, imported or "a module of its own"))


def taken(place: str, by: str) -> str:
    """What to do about a file of the user's own whose name is another module's."""
    return (
        f"{place!r}: Python takes {by} by that name, not {own_file(place)} of the working folder; "
        "give your own another name"
    )


def module_elsewhere(name: str) -> str | None:
    """Where a module lies that would be imported in the place of one in the working folder."""
    if name in sys.stdlib_module_names:
        return "a module of its own"
    folders = [folder for folder in sys.path if folder and Path(folder).resolve() != Path.cwd()]
    spec = PathFinder.find_spec(name, folders)
    return spec.origin if spec else None
