"""What training descends: one file each, with the object `loss`."""
