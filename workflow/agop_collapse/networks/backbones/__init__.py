"""What comes before the head: (channels, height, width) to a module from images to features."""
