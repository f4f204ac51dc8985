"""The report of a study: one page with its figures, tables, cost, settings and versions."""
