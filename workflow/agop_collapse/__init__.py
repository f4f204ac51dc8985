"""Average gradient outer product (AGOP), Deep RFM and deep neural collapse.

Plain torch, numpy and pandas functions; nothing here knows of Snakemake. Arrays hold one sample a
row (n x d), where the paper writes columns, and are sorted by class. References are to Beaglehole,
Sukenik, Mondelli, Belkin, "Average gradient outer product as a mechanism for deep neural collapse"
(NeurIPS 2024), unless they name another text.
"""
