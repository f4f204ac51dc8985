"""Write a study's tables as the reference that other machines' are compared with."""

from agop_collapse_job import job  # isort: split

import logging
from pathlib import Path

from agop_collapse.sharing import reference

with job(snakemake) as given:
    folder = Path(given.pop("folder"))
    logging.info("%s takes %.2f MB", folder, reference.write(folder, **given))
