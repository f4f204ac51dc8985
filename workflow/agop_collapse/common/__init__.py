"""What every room may use: errors, seeds, devices, blocks of large arrays, classes of points."""
