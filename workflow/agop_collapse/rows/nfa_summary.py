"""The neural feature ansatz at the end of training, in one number a network (Section 6)."""

import pandas as pd

# Mean and standard deviation that the paper states, by (dataset, model).
PAPER = {("cifar10", "resnet18"): (0.74, 0.17), ("mnist", "mlp"): (0.74, 0.13)}
FITTED_LOSS = 0.05  # nothing is read off a network whose final train loss is above this


def summarise_nfa(network_nfa: pd.DataFrame, network_training: pd.DataFrame) -> pd.DataFrame:
    """Mean and sd (ddof = 1) of the NFA over layers and seeds at the last measured epoch.

    Parameters
    ----------
    network_nfa, network_training : the study's tables

    Returns
    -------
    A row for each dataset and model: nfa_mean, nfa_sd, nfa_init_mean and nfa_independent_mean (what
    it is without learning), values (how many the mean is over), fitted (whether every seed ended
    with a train loss of at most 0.05), paper_mean, paper_sd (null where the paper states none).
    """
    rows = []
    for (dataset, model), nfa in network_nfa.groupby(["dataset", "model"], sort=False):
        final = nfa[nfa["epoch"] == nfa["epoch"].max()]
        training = network_training.query("dataset == @dataset and model == @model")
        loss = training.loc[training["epoch"] == training["epoch"].max(), "train_loss"]
        paper_mean, paper_sd = PAPER.get((dataset, model), (None, None))
        rows.append(
            {
                "dataset": dataset,
                "model": model,
                "nfa_mean": final["nfa"].mean(),
                "nfa_sd": final["nfa"].std(ddof=1),
                "nfa_init_mean": final["nfa_init"].mean(),
                "nfa_independent_mean": final["nfa_independent"].mean(),
                "values": len(final),
                "fitted": bool((loss <= FITTED_LOSS).all()),
                "paper_mean": paper_mean,
                "paper_sd": paper_sd,
            }
        )
    return pd.DataFrame(rows)
