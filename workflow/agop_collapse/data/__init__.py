"""From archives, folders and arrays of images to a prepared data set."""
