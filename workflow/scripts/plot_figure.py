"""Draw a figure by the module of its kind."""

from agop_collapse_job import job  # isort: split

import importlib

from agop_collapse.files import tables
from agop_collapse.files.places import located
from agop_collapse.plots import save

with job(snakemake) as given:
    kind = importlib.import_module(given["plot"])
    loaded = {}
    for name, parts in located(given["parts"], snakemake.input).items():
        path, columns, identity = parts[0]
        of_runs = columns is not None
        loaded[name] = (
            tables.load_runs(parts, name) if of_runs else tables.load(path, name, identity)
        )
    rows = given["rows"]
    figure = kind.draw(loaded, rows, **given["options"])
    footer = None if given["footer"] is None else given["footer"] + kind.note(loaded, rows)
    save.finish(figure, given["title"], given["size"], footer)
    save.save(figure, snakemake.output.pdf, snakemake.output.png, given["identity"])
