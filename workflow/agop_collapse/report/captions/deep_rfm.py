"""Captions of figures of Deep RFM."""

from ...plots.select import has_run, only_run, select_part, select_run
from ..plain import cosine, number, percent
from .caption import (
    Caption,
    Row,
    Tables,
    by_row,
    caption,
    from_to,
    mean,
    over_layers,
    seeds_of,
    sound_layers,
)

STAGES = {"X": "X", "MX": "M^½ X", "PhiMX": "Φ(M^½ X)"}


def deep_rfm_curves(tables: Tables, rows: list[Row], nc2: str = "nc2") -> Caption:
    """NC1 and NC2 of M^1/2 X at the first and the last sound layer."""

    def tell(row: Row) -> str:
        points = select_part(select_run(tables, "deep_rfm", only_run(row)), "stage", "MX")
        points = points.assign(nc2_over_k2=points["nc2_mse"] / points["nc2"])

        def ends(first: int, last: int) -> str:
            nc1 = [mean(points, "nc1", layer=layer) for layer in (first, last)]
            distance = [mean(points, nc2, layer=layer) for layer in (first, last)]
            name = "NC2" if nc2 == "nc2" else "NC2 / K²"
            return f"NC1 of M^½ X {from_to(*nc1)}, {name} {from_to(*distance)}"

        return over_layers(tables, only_run(row), ends)

    return caption(
        "Collapse of Deep RFM's points X, of their projection M^½ X and of its random features "
        f"Φ(M^½ X), layer by layer; {seeds_of(tables, 'deep_rfm', rows)}",
        "Two panels a run against the layer, NC1 on a logarithmic axis and NC2, a line for each of "
        "X, M^½ X and Φ(M^½ X)",
        by_row(rows, tell),
    )


def gram(
    tables: Tables,
    rows: list[Row],
    layers: list[int],
    stage: str = "MX",
    pixels: str = "points",
) -> Caption:
    """Mean cosines within and between classes at the first and the last layer shown."""

    def tell(row: Row) -> str:
        run = only_run(row)
        sound = sound_layers(tables, run)
        if stage == "X":
            return _collapse_of_shown(tables, run, [layer for layer in layers if layer in sound])
        cosines = select_run(tables, "gram", run)
        # Layer l of a Gram matrix has gone through l - 1 of Deep RFM; layer 1 is the input.
        shown = [layer for layer in layers if layer == 1 or layer - 1 in sound]
        if not shown:
            return "no layer shown is to be trusted (ill-conditioned solve)"
        ends = (shown[0], shown[-1])
        within = [mean(cosines, "within_mean", layer=layer) for layer in ends]
        between = [mean(cosines, "between_mean", layer=layer) for layer in ends]
        classes = select_run(tables, "classes", run)["class"].nunique()
        return (
            f"from {_named(ends[0])} to {_named(ends[1])} the mean cosine within classes "
            f"{from_to(*within, cosine)}, between classes it {from_to(*between)} "
            f"(at collapse 1 and {number(-1 / (classes - 1))})"
        )

    pixel = {"points": "a pair of points of a sample", "means": "a mean over pairs of points"}
    what = {"MX": "M^½ X", "X": "X"}[stage]
    return caption(
        f"Cosines between the centred points {what}, sorted by class, of "
        f"{seeds_of(tables, 'deep_rfm', rows)}; a pixel is {pixel[pixels]}",
        f"Heat maps of Gram matrices, a run a row, at layers {', '.join(map(str, layers))}: blocks "
        "on the diagonal are classes",
        by_row(rows, tell),
    )


def _named(layer: int) -> str:
    return "the input data" if layer == 1 else f"layer {layer}"


def _collapse_of_shown(tables: Tables, run: dict, layers: list[int]) -> str:
    """NC1 of X, of which there are no cosines in the tables."""
    if not layers:
        return "no layer shown is to be trusted (ill-conditioned solve)"
    points = select_part(select_run(tables, "deep_rfm", run), "stage", "X")
    ends = [mean(points, "nc1", layer=layer) for layer in (layers[0], layers[-1])]
    return f"from layer {layers[0]} to {layers[-1]}, NC1 of X {from_to(*ends)}"


def ablation(tables: Tables, rows: list[Row]) -> Caption:
    """NC1 of M^1/2 X with the AGOP, and of X itself without."""

    def tell(row: Row) -> str:
        parts = []
        for role, name in (("agop", "with the AGOP"), ("identity", "with M = I")):
            (run,) = (each for each in row["runs"] if each["role"] == role)
            points = select_part(select_run(tables, "deep_rfm", run), "stage", "MX")

            def ends(first: int, last: int, points=points) -> str:
                return f"NC1 {from_to(*(mean(points, 'nc1', layer=end) for end in (first, last)))}"

            parts.append(f"{name} {over_layers(tables, run, ends)}")
        return ", ".join(parts)

    return caption(
        "Deep RFM with the AGOP's projection, and with random features alone (M = I); "
        f"{seeds_of(tables, 'deep_rfm', rows)}",
        "Two panels a run against the layer, NC1 on a logarithmic axis and NC2, a line with the "
        "AGOP and one without",
        by_row(rows, tell),
    )


def spectrum(tables: Tables, rows: list[Row], layers: list[int] | None = None) -> Caption:
    """The effective rank of the AGOP at the first and the last sound layer."""

    def tell(row: Row) -> str:
        points = select_part(select_run(tables, "deep_rfm", only_run(row)), "stage", "X")
        name = "agop_effective_rank"

        def ends(first: int, last: int) -> str:
            ranks = [mean(points, name, layer=layer) for layer in (first, last)]
            return f"its effective rank {from_to(*ranks)}"

        return over_layers(tables, only_run(row), ends)

    return caption(
        "Eigenvalues of the AGOP over the largest, layer by layer, of "
        f"{seeds_of(tables, 'deep_rfm', rows)}",
        "Panels with logarithmic axes, a run each: eigenvalues against their number, a line for "
        "each layer",
        by_row(rows, tell),
    )


def accuracy(tables: Tables, rows: list[Row]) -> Caption:
    """Accuracy at the first and last sound layer, and behind the last."""

    def tell(row: Row) -> str:
        run = only_run(row)
        points = select_part(select_run(tables, "deep_rfm", run), "stage", "X")
        part = "test" if points["test_accuracy"].notna().any() else "train"

        def ends(first: int, last: int) -> str:
            shares = [mean(points, f"{part}_accuracy", layer=layer) for layer in (first, last)]
            text = f"{part} accuracy goes from {percent(shares[0])} to {percent(shares[1])}"
            behind = _behind(tables, run, part) if last == points["layer"].max() else ""
            return text + behind

        return over_layers(tables, run, ends)

    return caption(
        "Share of points that the kernel machine of each layer puts into their class, to the one "
        f"behind the last layer; {seeds_of(tables, 'deep_rfm', rows)}",
        "Panels, a run each: accuracy on training and on test points against the layer",
        by_row(rows, tell),
    )


def _behind(tables: Tables, run: dict, part: str) -> str:
    """Accuracy behind the last layer, if that is to be trusted."""
    if not has_run(tables, "predictor", run):
        return ""
    predictor = select_run(tables, "predictor", run)
    if not predictor["valid"].astype(bool).all():
        return ", behind the last it is not to be trusted"
    return f", and behind the last to {percent(mean(predictor, f'final_{part}_accuracy'))}"


def nc_full(tables: Tables, rows: list[Row]) -> Caption:
    """NC1 of training and test points, and the nearest-centre accuracy, at the last sound layer."""

    def tell(row: Row) -> str:
        run = only_run(row)
        sound = sound_layers(tables, run)
        if not sound:
            return "no layer is to be trusted (ill-conditioned solve)"
        points = select_part(select_run(tables, "deep_rfm", run), "stage", "MX")
        return f"at layer {sound[-1]} {generalisation(points[points['layer'] == sound[-1]])}"

    return caption(
        "NC1, NC2 and the nearest class mean's accuracy on training and test points M^½ X, layer "
        f"by layer; {seeds_of(tables, 'deep_rfm', rows)}",
        "Three panels a run against the layer: NC1 on a logarithmic axis, NC2, and accuracy of the "
        "nearest class mean, with lines for training and for test points",
        by_row(rows, tell),
    )


def generalisation(points) -> str:
    """NC1 and nearest-centre accuracy of training and test points, of one layer and stage."""
    nc1 = f"NC1 is {number(mean(points, 'nc1'))} on training points"
    right = f"the nearest class mean is right for {percent(mean(points, 'centre_accuracy'))}"
    if points["nc1_test_own"].isna().all():
        return f"{nc1}, of which {right}"
    own, strong = (number(mean(points, f"nc1_test_{kind}")) for kind in ("own", "strong"))
    of_test = percent(mean(points, "test_centre_accuracy"))
    return (
        f"{nc1}, and on test points {own} about their own class means and {strong} about those of "
        f"the training points; {right} of training points and {of_test} of test points"
    )


def theory_layers(tables: Tables, rows: list[Row]) -> Caption:
    """What Theorems 5.3 and 5.4 speak of, at the first and last sound layer."""

    def tell(row: Row) -> str:
        run = only_run(row)
        frame = select_run(tables, "theory_layers", run)

        def ends(first: int, last: int) -> str:
            def at(column: str, layer: int = last) -> float:
                return mean(frame, column, layer=layer)

            return (
                f"λ_k {from_to(at('lambda_k', first), at('lambda_k'))}, and the squared norm of "
                f"Theorem 5.4 {from_to(at('squared_norm', first), at('squared_norm'))}, where that "
                f"of the collapsed kernel k* is {number(at('squared_norm_collapsed'))} and the "
                f"least {number(at('squared_norm_best'))}"
            )

        return over_layers(tables, run, ends)

    return caption(
        "What Theorems 5.3 and 5.4 speak of, along the layers of Deep RFM; "
        f"{seeds_of(tables, 'theory_layers', rows)}",
        "Four panels a run against the layer: λ_k and λ_map, rate of the error, squared norm of "
        "the predictor, and mean entries of the kernel",
        by_row(rows, tell),
    )
