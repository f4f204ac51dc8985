"""Load a data set, standardise it and sort it by class."""

from agop_collapse_job import job  # isort: split

import logging

from agop_collapse.common.lookup import find_object
from agop_collapse.data.dataset import save_dataset
from agop_collapse.data.images import DataError
from agop_collapse.data.prepare import prepare
from agop_collapse.files.contents import expect_contents

with job(snakemake) as given:
    n, n_test = given["n"], given["n_test"]
    logging.info("%s, from %s", given["name"], given["path"] or "scikit-learn")
    try:
        images = find_object(given["reader"])(n, n_test, given["path"], **given["options"])
        expect_contents({given[key]: digest for key, digest in given["contents"].items()})
        dataset = prepare(images, n, n_test, given["standardize_test"])
    except DataError as error:
        raise DataError(f"{given['name']}: {error}") from error
    save_dataset(snakemake.output[0], dataset, given["identity"])
