"""The style sheet, and what every figure gets in the end: title, size, footer, files."""

import io
import logging
import textwrap
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib.style
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..files.atomic import atomic
from .axes import MARGIN, add_legend_again
from .colours import COLOURS

# Of each font that is embedded it tells in forty lines which part is kept.
logging.getLogger("fontTools").setLevel(logging.WARNING)


def use_style() -> AbstractContextManager:
    """Context, and decorator, in which matplotlib has its defaults but for paper.mplstyle."""
    return matplotlib.style.context(Path(__file__).with_name("paper.mplstyle"), after_reset=True)


def finish(
    figure: Figure, title: str = "", size: tuple[float, float] | None = None, footer: str = ""
) -> None:
    """Give a figure its title, above the legend, its size and its footer. To be called once, last.

    Title and footer make the figure higher and leave its panels as they are.

    Parameters
    ----------
    title : none if empty
    size : width and height in inches, title included, in place of the figure's own; the footer adds
        its height
    footer : small grey text below everything else, in lines no wider than the figure; none if empty
    """
    with use_style():
        if size is not None:
            figure.set_size_inches(*size)
            add_legend_again(figure)
        if title:
            added = _add_title(figure, title)
            if size is None:
                figure.set_figheight(figure.get_figheight() + added)
        if footer:
            _add_footer(figure, footer)


def save(figure: Figure, pdf_path: Path, png_path: Path, identity: str) -> None:
    """Write a figure as PDF and as PNG (300 dpi), with the same bytes each time.

    Parameters
    ----------
    identity : of what is drawn; it stands in the PDF's keywords and in the PNG's text chunks
    """
    no_dates = {"CreationDate": None, "Creator": None, "Producer": None}
    outputs = (
        (pdf_path, "pdf", no_dates | {"Keywords": f"identity {identity}"}),
        (png_path, "png", {"Software": None, "identity": identity}),
    )
    for path, kind, metadata in outputs:
        # In memory: of a file that cannot be written the library for PDFs says something else.
        drawn = io.BytesIO()
        with use_style():
            figure.savefig(drawn, format=kind, metadata=metadata)
        with atomic(path) as partial:
            partial.write_bytes(drawn.getbuffer())


def _add_title(figure: Figure, title: str) -> float:
    """Put a title above everything else; returns its height in inches.

    As the legend's own title where there is one, so that the layout makes room for both.
    """
    if figure.legends:
        legend = figure.legends[0]
        before = legend.get_window_extent().height
        legend.set_title(title, prop={"size": 9})
        legend.get_title().set_multialignment("center")
        _fold(figure, legend.get_title(), title)
        return (legend.get_window_extent().height - before) / figure.dpi
    heading = figure.suptitle(title, fontsize=9)
    _fold(figure, heading, title)
    return heading.get_window_extent().height / figure.dpi + 2 * MARGIN


def _add_footer(figure: Figure, text: str) -> None:
    width, height = figure.get_size_inches()
    footer = figure.text(
        MARGIN / width,
        0,
        text,
        fontsize=6,
        color=COLOURS["grey"],
        va="bottom",
        in_layout=False,
        parse_math=False,
    )
    _fold(figure, footer, text)
    added = footer.get_window_extent().height / figure.dpi + 2 * MARGIN
    figure.set_size_inches(width, height + added)
    footer.set_y(MARGIN / (height + added))
    bottom = added / (height + added)
    figure.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))


def _fold(figure: Figure, artist: Text, text: str) -> None:
    """Break a text into as few lines as fit into the figure's width."""
    room = (figure.get_figwidth() - 2 * MARGIN) * figure.dpi
    extent = artist.get_window_extent()
    characters = int(1.2 * len(text) * room / extent.width) + 1  # more than fit in a line
    while extent.width > room and characters > 1:
        characters -= 1
        artist.set_text(textwrap.fill(text, characters))
        extent = artist.get_window_extent()
