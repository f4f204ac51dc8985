"""The figures, drawn from tables alone: a module for each kind of plot.

Each has `draw(tables, rows, **options)`, which returns a matplotlib Figure, and
`note(tables, rows)`, the end of its footer: what in it is not to be trusted. Tables go by name and
begin with the columns study, dataset, run and seed; they may hold more than the rows ask for. A row
is a label and the runs that it draws:
{"label": "MNIST, MLP", "runs": [{"study": ..., "dataset": ..., "run": ...}]}.

What the kinds share: `select` (a run's part of a table), `trust` (what is doubtful), `axes`
(series, axes, headings, legends), `measures` (their names and scales), `shades` and `save`
(style sheet, title, footer, files).
"""
