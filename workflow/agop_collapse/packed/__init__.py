"""A study packed into one file, and its jobs run where there is no Snakemake.

By the workflow's own scripts, with what Snakemake would give them. Nothing here loads torch.
"""
