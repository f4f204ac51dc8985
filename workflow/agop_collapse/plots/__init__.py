"""The figures, drawn from tables alone: a module for each kind, their common look in `style`.

Each module has `draw`, which takes long-form tables and a list of figure rows and returns a
matplotlib Figure. A figure row is a dict of the columns that select it, such as
{"dataset": "mnist", "model": "mlp"}; the tables may hold more than the rows ask for.
"""
