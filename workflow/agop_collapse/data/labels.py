"""Labels of a user's own: class numbers 0 to K - 1, and what else comes in their place, by name."""

import numpy as np

from .images import DataError

# What arrays of labels hold where a point has none.
NO_LABEL = (255, 65_535, -1)


def class_numbers(labels: np.ndarray, name: str) -> np.ndarray:
    """An array of labels as class numbers.

    Parameters
    ----------
    labels : (n,) or (n, 1), of whole numbers
    name : of the array, for messages

    Raises
    ------
    DataError : when they are anything else; what is often found is called by its name, with what to
        write.
    """
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and _is_one_hot(labels):
        raise DataError(f"{name} is {labels.shape}, one-hot; write {_short(name)}.argmax(1)")
    form = f"{name} is {labels.dtype} {labels.shape}"
    if labels.ndim != 1:
        raise DataError(f"{form}; it must be one class number for each image, (n,)")
    if labels.dtype.kind in "US":
        raise DataError(
            f"{form}, names; write class_names, {_short(name)} = np.unique({_short(name)}, "
            "return_inverse=True), and save class_names too"
        )
    if labels.dtype.kind == "b" or (labels.dtype.kind == "f" and _are_whole(labels)):
        raise DataError(f"{form}; it must be whole numbers: write {_short(name)}.astype(int)")
    if labels.dtype.kind not in "iu":
        raise DataError(f"{form}; it must be whole numbers (n,)")
    if labels.size and int(labels.max()) >= 2**63:
        raise DataError(f"{name} has the label {labels.max()}; classes are numbered from 0")
    return labels.astype(np.int64)


def _short(name: str) -> str:
    """An array's name without its file."""
    return name.rsplit(" ", 1)[-1]


def _is_one_hot(labels: np.ndarray) -> bool:
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def _are_whole(labels: np.ndarray) -> bool:
    return bool((np.isfinite(labels) & (labels == np.floor(labels))).all())


def expect_numbered(labels: np.ndarray, name: str) -> None:
    """Raise DataError unless the labels of a whole set are 0 to K - 1, each of them there."""
    there, counts = np.unique(labels, return_counts=True)
    if len(there) == 0 or there.tolist() == list(range(len(there))):
        return
    short = _short(name)
    for value in (there[0], there[-1]):
        if value in NO_LABEL and len(there) > 1:
            raise DataError(
                f"{name} has {counts[there == value][0]:,} points of label {value}, which often "
                f"stands for none; leave them out: keep = {short} != {value}, then "
                f"{short}[keep], and the images likewise"
            )
    if there[0] < 0:
        raise DataError(f"{name} has the negative label {there[0]}; classes are numbered from 0")
    if there.tolist() == list(range(1, len(there) + 1)):
        raise DataError(f"{name} numbers classes from 1 to {there[-1]}; write {short} - 1")
    known = set(there.tolist())
    absent = next(number for number in range(len(there)) if number not in known)
    raise DataError(
        f"{name} has {len(there)} classes, labels up to {there[-1]}, and no point of label "
        f"{absent}; number the classes anew: {short} = np.unique({short}, return_inverse=True)[1]"
    )


def expect_known(labels: np.ndarray, classes: int, name: str) -> None:
    """Raise DataError unless all labels of a test part are classes of the training part."""
    unknown = np.unique(labels[(labels < 0) | (labels >= classes)])
    if len(unknown):
        raise DataError(
            f"{name} has the label {_some(unknown.tolist())}; the training part has 0 to "
            f"{classes - 1}"
        )


def expect_every_class(labels: np.ndarray, n: int, class_names: tuple[str, ...]) -> None:
    """Raise DataError unless the first n points show all classes; the message says how they would.

    Parameters
    ----------
    labels : of the whole set, as far as it is known
    """
    first = set(labels[:n].tolist())
    missing = [number for number in range(len(class_names)) if number not in first]
    if not missing:
        return
    what = f"no image of class {_some([class_names[number] for number in missing])} among the first"
    what += f" {n:,} (n)"
    if len(labels) > n and (np.diff(labels) >= 0).all():
        raise DataError(
            f"{what}: images and labels are sorted by class; shuffle both alike, with order = "
            f"np.random.default_rng(0).permutation({len(labels)})"
        )
    places = [np.flatnonzero(labels == number) for number in missing]
    if all(len(place) for place in places):
        enough = max(int(place[0]) for place in places) + 1
        raise DataError(f"{what}; raise n to {enough:,} or more")
    raise DataError(f"{what}, nor behind them")


def is_utf8(name: str) -> bool:
    """Whether a class's name can be written to a file: that of a folder may be any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _some(items: list) -> str:
    """A few of many."""
    shown = ", ".join(str(item) for item in items[:5])
    return f"{shown}, ... ({len(items)} in all)" if len(items) > 5 else shown
