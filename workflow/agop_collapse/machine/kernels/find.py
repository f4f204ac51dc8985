"""From a kernel's place to the kernel, checked if it is the user's own."""

from ...common.lookup import find_object
from .dot_product import DotProductKernel
from .radial import RadialKernel, check_kernel


def find_kernel(place: str, bandwidth: float) -> RadialKernel | DotProductKernel:
    """The kernel at a place, "module:object"; one from outside of the library is checked first.

    Raises
    ------
    UserError : when nothing is there, or no kernel whose gradient is that of its values.
    """
    kernel = find_object(place)
    if not place.startswith("agop_collapse."):
        check_kernel(kernel, bandwidth, place)
    return kernel
