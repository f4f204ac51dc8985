"""The figures' colours."""

import sys

# seaborn does without scipy where there is none. What takes the time of a whole figure to import
# serves only its density plots, which are not drawn here.
if _hidden := "scipy" not in sys.modules:
    sys.modules["scipy"] = None
try:
    import seaborn
finally:
    if _hidden:
        del sys.modules["scipy"]

# A colour-blind-safe palette by the names of the paper's colours, but a yellow that shows on white.
_HUES = ("blue", "orange", "green", "red", "magenta", "brown", "pink", "grey", "yellow", "sky")
COLOURS = dict(zip(_HUES, seaborn.color_palette("colorblind").as_hex(), strict=True))
COLOURS |= {"yellow": "#BFAE00", "grey": "#777777"}
