"""Which layers a figure of Deep RFM shows: those asked for, or such as the paper's figures show."""

# The columns of the paper's Gram figures (Figures 1, 5 and 6).
PAPER_LAYERS = (1, 3, 7, 13, 19)


def spread_layers(deepest: int) -> list[int]:
    """The paper's columns where a run has them, else as many, in proportion."""
    if deepest >= PAPER_LAYERS[-1]:
        return list(PAPER_LAYERS)
    if deepest <= len(PAPER_LAYERS):
        return list(range(1, deepest + 1))
    scale = (deepest - 1) / (PAPER_LAYERS[-1] - 1)
    return sorted({1 + round((layer - 1) * scale) for layer in PAPER_LAYERS})
