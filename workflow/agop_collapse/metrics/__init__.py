"""What is measured: collapse, Gram matrices, the neural feature ansatz, spectra; and theory."""
