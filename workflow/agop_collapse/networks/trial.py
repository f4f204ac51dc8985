"""A torch module of the user's own, made and tried on two images before any work."""

import traceback
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..common.errors import UserError


def call(
    what: str, given: str, function: Callable[..., nn.Module], *arguments: object
) -> nn.Module:
    """The module that a function makes.

    Parameters
    ----------
    what : that is made, for messages; given : what the function is called with, in words

    Raises
    ------
    UserError : when the function fails, or makes something else.
    """
    try:
        module = function(*arguments)
    except Exception as error:
        raise UserError(f"{what}, called with {given}, failed: {reason(error)}") from error
    if not isinstance(module, nn.Module):
        raise UserError(
            f"{what} returns a {type(module).__name__}; it must return a torch.nn.Module, that "
            "maps images"
        )
    return module


def try_module(what: str, module: nn.Module, shape: tuple[int, int, int], makes: str) -> Tensor:
    """What a module makes of two images, (2, d), by which it is left in training mode.

    They are tried in evaluation mode, which leaves a module's statistics alone, and twice: what
    is measured must not depend on how often.

    Parameters
    ----------
    what, makes : what it is, and what it makes ("features", "outputs"), for messages
    shape : of an image

    Raises
    ------
    UserError : when it fails, does not map (2, *shape) images to (2, d) numbers in float32, changes
        the images, or makes something else of them the second time.
    """
    images = " x ".join(map(str, shape))
    # Of both signs, as standardised pixels are: in-place ReLUs leave zeros alone.
    given = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    unchanged = given.clone()
    try:
        with torch.no_grad():
            made = module.eval()(given)
            again = module(unchanged.clone())
    except Exception as error:
        raise UserError(f"{what} cannot map images of {images}: {reason(error)}") from error
    module.train()
    found = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
    if not isinstance(made, Tensor) or made.dim() != 2 or len(made) != 2:
        raise UserError(f"{what} maps two images of {images} to {found}; it must be (2, {makes})")
    if not made.is_floating_point() or not made.shape[1]:
        raise UserError(f"{what} makes {found} of type {made.dtype}; these are no {makes}")
    if made.dtype != torch.float32:
        raise UserError(
            f"{what} makes {makes} of type {made.dtype}, not torch.float32; return {makes}.float()"
        )
    if not torch.equal(given, unchanged):
        raise UserError(
            f"{what} changes the images that it is given, which are the data themselves; write "
            "x = x - 0.5 in the place of x -= 0.5, and take inplace=True from the layers at its "
            "beginning"
        )
    if not _are_alike(made, again):
        raise UserError(
            f"{what} makes other {makes} of the same images at each call in evaluation mode; let "
            "it draw, or count, only where self.training is true, and with torch's generator"
        )
    return made


def _are_alike(made: Tensor, again: Tensor) -> bool:
    """Whether two results are the same but for rounding."""
    if made.shape != again.shape:
        return False
    tolerance = 1e-5 * float(made.abs().nan_to_num().max())
    return torch.allclose(made, again, rtol=0, atol=tolerance, equal_nan=True)


def reason(error: Exception) -> str:
    """What went wrong, and where in the code outside of installed packages."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename][1:]
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"
