"""The neural feature ansatz at the end of training, in one number a network (Section 6)."""

import pandas as pd

# Mean and standard deviation that the paper states, by (dataset, model).
PAPER = {("cifar10", "resnet18"): (0.74, 0.17), ("mnist", "mlp"): (0.74, 0.13)}


def summarise_nfa(network_nfa: pd.DataFrame, network_training: pd.DataFrame) -> pd.DataFrame:
    """Mean and sd (divisor less one) of the NFA over layers and seeds at the last measured epoch.

    Parameters
    ----------
    network_nfa, network_training : tables of one study or of several

    Returns
    -------
    A row for each study, dataset and run, with its model: nfa_mean and nfa_sd over all layers and
    seeds; nfa_sd_layers, of the layers' means over seeds; nfa_sd_seeds, of the seeds' means over
    layers, nan of one; nfa_init_mean, nfa_independent_mean and nfa_independent_trained_mean (what
    it is without learning, and with another network's AGOP); values (how many the mean is over),
    fitted (whether every seed ended so), paper_mean, paper_sd (null where the paper states none).
    """
    by = ["study", "dataset", "run"]
    ends = network_training.sort_values("epoch").groupby([*by, "seed"]).tail(1)
    fitted = ends.groupby(by)["fitted"].all()
    rows = []
    for (study, dataset, run), nfa in network_nfa.groupby(by, sort=False):
        final = nfa[nfa["epoch"] == nfa["epoch"].max()]
        model = final["model"].iloc[0]
        paper_mean, paper_sd = PAPER.get((dataset, model), (None, None))
        rows.append(
            {
                "study": study,
                "dataset": dataset,
                "run": run,
                "model": model,
                "nfa_mean": final["nfa"].mean(),
                "nfa_sd": final["nfa"].std(ddof=1),
                "nfa_sd_layers": final.groupby("layer")["nfa"].mean().std(ddof=1),
                "nfa_sd_seeds": final.groupby("seed")["nfa"].mean().std(ddof=1),
                "nfa_init_mean": final["nfa_init"].mean(),
                "nfa_independent_mean": final["nfa_independent"].mean(),
                "nfa_independent_trained_mean": final["nfa_independent_trained"].mean(),
                "values": len(final),
                "fitted": bool(fitted[study, dataset, run]),
                "paper_mean": paper_mean,
                "paper_sd": paper_sd,
            }
        )
    return pd.DataFrame(rows)
