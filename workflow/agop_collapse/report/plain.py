"""Numbers and labels as plain text, for captions and cells."""

import math
import re

# Digits that a caption gives; tables have all of them to download.
DIGITS = 3
# From 10^-3 up to here numbers stand as they are; beyond, in powers of ten.
LARGE = 1e5
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SYMBOLS = {
    r"\Sigma": "Σ",
    r"\bar{\mu}": "μ̄",
    r"\mu": "μ",
    r"\lambda": "λ",
    r"\kappa": "κ",
    r"\sigma": "σ",
    r"\Phi": "Φ",
    r"\top": "T",
    r"\ln": "ln",
    r"\|": "‖",
    r"\!": "",
    r"\,": " ",
    r"\pm": "±",
    "1/2": "½",
    "-1": "−1",
}
FONTS = re.compile(r"\\(?:mathrm|mathbf|bar|tilde)\b")


def number(value: float) -> str:
    """Three significant digits, as 0.0123, 1,230 or 1.23 × 10⁻⁷; what is not a number says so."""
    if math.isnan(value):
        return "not defined"
    if math.isinf(value):
        return "−∞" if value < 0 else "∞"
    sign = "−" if value < 0 else ""
    # Rounded first: 0.0009999 is 0.001, and 99,999.9 is 1 × 10⁵.
    rounded = float(f"{abs(value):.{DIGITS - 1}e}")
    if rounded == 0:
        return "0"
    if 1e-3 <= rounded < LARGE:
        decimals = max(DIGITS - 1 - math.floor(math.log10(rounded)), 0)
        text = f"{rounded:,.{decimals}f}"
        return sign + (text.rstrip("0").rstrip(".") if decimals else text)
    mantissa, _, exponent = f"{rounded:.{DIGITS - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{sign}{mantissa} × 10{str(int(exponent)).translate(SUPERSCRIPTS)}"


def cosine(value: float) -> str:
    """A number; of one that three digits make 1, how far from it: 1 − 2.5 × 10⁻⁵."""
    text = number(value)
    return f"1 − {number(1 - value)}" if text == "1" and value < 1 else text


def percent(share: float) -> str:
    """A share as a percentage with one decimal; what is not a number says so."""
    return "not defined" if math.isnan(share) else f"{100 * share:.1f}%"


def plain(label: str) -> str:
    """A label of a figure without its TeX, such as "tr(Σ_W)"."""
    text = label.replace("$", "")
    for tex, symbol in SYMBOLS.items():
        text = text.replace(tex, symbol)
    text = FONTS.sub("", text)
    text = re.sub(r"([_^])\{([^{}]*)\}", r"\1\2", text)
    return re.sub(r"[{}]", "", text).replace("^T", "ᵀ").strip()
