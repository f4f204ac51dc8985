"""Load a data set, standardise it and sort it by class."""

from agop_collapse.data.dataset import save_dataset
from agop_collapse.data.prepare import prepare
from agop_collapse.data.readers import LOADERS
from job import job

with job(snakemake):
    settings = snakemake.params.settings
    n, n_test = settings["n"], settings["n_test"]
    options = {
        key: settings[key] for key in ("test_path", "size", "channels") if settings[key] is not None
    }
    images = LOADERS[settings["kind"]](n, n_test, snakemake.params.path, **options)
    dataset = prepare(images, n, n_test, settings["standardize_test"])
    save_dataset(
        snakemake.output[0],
        dataset,
        {"study": snakemake.wildcards.study, "settings": settings},
    )
