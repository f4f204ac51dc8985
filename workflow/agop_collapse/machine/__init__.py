"""Deep RFM: kernels, the kernel machine's solve, its AGOP, random features, layer upon layer."""
