"""Radial kernels of the Deep RFM predictor: one file each, with the object `kernel`."""
