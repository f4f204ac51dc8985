"""A figure of the page: its image, whole within the page, and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from ..files.stamp import expect_identity, read_identity
from .captions.caption import Caption
from .captions.find import caption_of
from .embedded import data_address


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    title : what it shows; file : of the figure, without ending
    image : its PNG, as an address that holds it; width, height : of it, in pixels
    """

    name: str
    title: str
    file: str
    image: str
    width: int
    height: int
    caption: Caption


def figure(
    shown: Mapping[str, Any], path: str, identity: str, tables: dict[str, pd.DataFrame]
) -> Figure:
    """A figure that has been drawn.

    Parameters
    ----------
    shown : name, file, kind with its description, title, and the rows and options that it was
        drawn with
    path, identity : of its PNG
    tables : of the study, and of what else its figures show

    Raises
    ------
    StorageError : when the PNG is not the one of this identity.
    """
    expect_identity(path, read_identity(path), identity)
    content = Path(path).read_bytes()
    with Image.open(path) as image:
        width, height = image.size
    description = shown["description"]
    return Figure(
        shown["name"],
        shown["title"] or f"{description[:1].upper()}{description[1:]}",
        shown["file"],
        data_address("image/png", content),
        width,
        height,
        caption_of(shown["kind"], description, tables, shown["rows"], shown["options"]),
    )
