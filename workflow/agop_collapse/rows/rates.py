"""How fast NC1 and the fuzziness fall from layer to layer, and how well that is a straight line."""

from typing import Any

import pandas as pd

from ..metrics.variability import equi_separation


def measure(collapse: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each stage: factor a layer and R^2 of the fits ln NC1_l, ln D_l = a + l ln rho.

    Parameters
    ----------
    collapse : columns layer, stage, nc1 and fuzziness, of the layers that count
    """
    rows = []
    for stage, part in collapse.groupby("stage", sort=False):
        row: dict[str, Any] = {"stage": stage, "layers": len(part)}
        for name in ("nc1", "fuzziness"):
            fit = equi_separation(part[name].tolist(), part["layer"].tolist())
            row |= {f"{name}_rate": fit.rho, f"{name}_rate_r2": fit.r_squared}
        rows.append(row)
    return rows
