"""Which layers of any torch network can be measured, found by their names or by a pass."""

import difflib
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from ..common.errors import UserError

# By their passes: a subclass with one of its own may multiply by something else than its weight.
KINDS = {nn.Linear.forward: "linear", nn.Conv2d.forward: "conv2d"}


def kind(module: nn.Module) -> str | None:
    """ "linear" or "conv2d"; None of what is not measured."""
    return KINDS.get(type(module).forward)


def find(network: nn.Module, names: Sequence[str] | str, x: Tensor) -> dict[str, nn.Module]:
    """The layers of some names, in their order.

    Parameters
    ----------
    network : in evaluation mode
    names : as `network.named_modules()` has them; "all" for every layer that can be measured and
        that x comes to, in the order in which it does
    x : some points

    Raises
    ------
    UserError : on names that are none of the network's, of other kinds of layers, or twice; the
        message says what there is.
    """
    return _in_order(network, x) if names == "all" else _named(network, names)


def expect_measurable(network: nn.Module, names: Sequence[str] | str, x: Tensor) -> None:
    """Raise UserError unless each of some layers, as of `find`, has one input of each point of x.

    So what is to be measured after long work is known before it.
    """
    seen: set[str] = set()
    chosen = find(network, names, x)
    with ExitStack() as stack, torch.no_grad():
        for name, module in chosen.items():

            def note(_: nn.Module, inputs: tuple, __: Tensor, name: str = name) -> None:
                expect_one_input(name, name not in seen, inputs[0], len(x))
                seen.add(name)

            stack.callback(module.register_forward_hook(note).remove)
        network(x)
    for name in chosen:
        expect_reached(network, name, name in seen, x)


def expect_one_input(name: str, is_first: bool, given: Tensor, points: int) -> None:
    """Raise UserError where a layer is used again in a pass, or not with each point a row.

    Parameters
    ----------
    is_first : whether it was not used in this pass before
    given : its input
    points : of the pass
    """
    if not is_first:
        raise UserError(
            f"layer {name!r} is used more than once in a pass through the network, and has no one "
            "input: it cannot be measured"
        )
    if len(given) != points or given.dim() < 2:
        raise UserError(
            f"layer {name!r} is given {tuple(given.shape)} for {points} points: it can be measured "
            "only where the first dimension is the points"
        )


def expect_reached(network: nn.Module, name: str, is_reached: bool, x: Tensor) -> None:
    """Raise UserError, naming layers that x comes to, where it does not come to one."""
    if not is_reached:
        raise UserError(
            f"the points do not come to layer {name!r} on their way through the network; "
            f"{_near(name, list(_in_order(network, x)))}"
        )


def _named(network: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    modules = dict(network.named_modules(remove_duplicate=False))
    there = [name for name, module in modules.items() if kind(module)]
    chosen: dict[str, nn.Module] = {}
    for name in names:
        if name not in modules:
            raise UserError(f"the network has no layer {name!r}; {_near(name, there)}")
        module = modules[name]
        if not kind(module):
            raise UserError(
                f"layer {name!r} is a {type(module).__name__}; only linear layers (Linear) and "
                f"convolutions (Conv2d) are measured; {_near(name, there)}"
            )
        for other, same in chosen.items():
            if module is same:
                raise UserError(f"layers {other!r} and {name!r} are one and the same: name it once")
        chosen[name] = module
    return chosen


def _in_order(network: nn.Module, x: Tensor) -> dict[str, nn.Module]:
    """Every linear layer and convolution, in the order in which a point comes to them."""
    found: dict[str, nn.Module] = {}
    with ExitStack() as stack, torch.no_grad():
        for name, module in network.named_modules():
            if kind(module):

                def note(module: nn.Module, _: tuple, __: Tensor, name: str = name) -> None:
                    found[name] = module

                stack.callback(module.register_forward_hook(note).remove)
        network(x)
    if not found:
        raise UserError("the network has no linear layer or 2-d convolution that its input reaches")
    return found


def _near(name: str, names: list[str]) -> str:
    """What might have been meant, in words."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if near:
        return f"did you mean {', '.join(map(repr, near))}?"
    return f"there is {', '.join(map(repr, names)) or 'none'}"
