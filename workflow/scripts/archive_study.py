"""Put a study's figures, tables, settings and code into one folder, for others."""

from agop_collapse_job import job  # isort: split

import os
import time
from pathlib import Path

from agop_collapse.files.resumable import resumable
from agop_collapse.sharing import archive

with job(snakemake) as given:
    now = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    found = given | {"results": dict(zip(given["results"], snakemake.input, strict=True))}
    with resumable(Path(snakemake.output[0]), given["identity"]) as folder:
        archive.write(folder, found, time.strftime("%Y-%m-%d", now))
