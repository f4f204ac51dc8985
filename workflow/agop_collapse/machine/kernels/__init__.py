"""Kernels of the Deep RFM predictor, radial or of the dot product: one file each, with `kernel`."""
