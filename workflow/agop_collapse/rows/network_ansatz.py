"""A row of network_nfa: the neural feature ansatz at a layer, in all its forms."""

from dataclasses import asdict

from ..metrics import ansatz, fact
from ..metrics.ansatz import Variant
from ..metrics.layer import Layer

# The paper's form, of which the others differ in one switch or more.
PAPER = ("whole", "plain", "half")


def measure(
    layer: Layer,
    initial: Layer | None,
    nfa_init: float | None,
    strangers: tuple[Layer, Layer | None],
    forms: list[Variant],
    classes: int,
    penalty: float,
) -> dict[str, float]:
    """The ansatz and its kin at one layer, by the columns of network_nfa.

    Parameters
    ----------
    layer : of the network, measured with its loss
    initial, nfa_init : the same at its initialisation, and its `ansatz.nfa`; None when this is that
    strangers : the same layer of independent networks, one not trained, one trained or None
    forms : `ansatz.variants(layer, ...)`
    classes : K, the eigenvectors that `overlap` compares
    penalty : lam of the penalty (lam / 2) ||theta||^2 that training descends, for FACT
    """
    by_switches = {(form.weights, form.jacobians, form.power): form for form in forms}
    paper = by_switches[PAPER]
    found = asdict(ansatz.measure(layer, *strangers, nfa_init))
    found |= {
        "nfa_cosine": paper.cosine,
        "nfa_scale": paper.scale,
        "nfa_residual": paper.residual,
        "nfa_chance": layer.weight.shape[1] ** -0.5,
    }
    others = {
        "nfa_depth": ("whole", "plain", "depth"),
        "nfa_centred": ("whole", "centred", "half"),
        "nfa_change": ("change", "plain", "half"),
    }
    for name, switches in others.items():
        if switches in by_switches:  # nothing has changed at the initialisation
            found[name] = by_switches[switches].pearson
    before = None if initial is None else initial.weight
    found |= asdict(ansatz.family(layer, classes, before))
    return found | asdict(fact.measure(layer, penalty))
