"""What a study's tables say of a run, as far as it can be trusted.

Every claim reads its numbers through here, so none is read from a layer of Deep RFM that is not
`valid`, or from a network that has not fitted its points.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


class NotMeasured(Exception):
    """What a claim needs is not there, or cannot be trusted; the message says why."""


@dataclass(frozen=True)
class Evidence:
    """The rows of a run, of one seed of it or of all; or of no run.

    tables : by name, the rows of it alone
    settings : of the run, as the table `runs` has them
    """

    tables: Mapping[str, pd.DataFrame]
    settings: Mapping[str, object]

    def rows(self, table: str) -> pd.DataFrame:
        """Rows of a table of which none can be less than sound.

        Raises
        ------
        NotMeasured : when there is none.
        """
        found = self.tables[table]
        if found.empty:
            raise NotMeasured(f"the table {table} has no row of it")
        return found

    # Deep RFM

    def layers(self, column: str, at_least: int = 1) -> pd.DataFrame:
        """A column of the table deep_rfm, a row for each valid layer, a column for each stage.

        Raises
        ------
        NotMeasured : when fewer layers than `at_least` are valid.
        """
        rows = self.rows("deep_rfm")
        valid = rows[rows["valid"].astype(bool)]
        found = valid.pivot(index="layer", columns="stage", values=column)
        if len(found) < at_least:
            raise NotMeasured(
                f"of {rows['layer'].max()} layers {len(found)} can be trusted (valid), and the "
                f"claim needs {at_least}"
            )
        return found

    def classes(self) -> int:
        """K of a run of Deep RFM."""
        return self.rows("classes")["class"].nunique()

    # Networks

    def final(self, table: str) -> pd.DataFrame:
        """Rows of a network's last epoch.

        Raises
        ------
        NotMeasured : when a seed has not fitted its points by then.
        """
        self.expect_fitted()
        return at_the_end(self.rows(table))

    def expect_fitted(self) -> None:
        """Raise NotMeasured where a seed of a network has not fitted its points at the end."""
        end = at_the_end(self.rows("network_training"))
        if not end["fitted"].astype(bool).all():
            loss = end["train_loss"].max()
            raise NotMeasured(f"the network has not fitted its points (train loss {loss:.3g})")


def at_the_end(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each seed's rows those of its last epoch."""
    return rows[rows["epoch"] == rows.groupby("seed")["epoch"].transform("max")]
