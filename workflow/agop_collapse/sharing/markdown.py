"""Numbers and tables as Markdown has them."""


def table(header: list[str], rows: list[list[str]]) -> str:
    """A table, a line a row."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Three digits, and of small numbers two."""
    return f"{value:.2g}" if abs(value) < 0.01 else f"{value:.3g}"
