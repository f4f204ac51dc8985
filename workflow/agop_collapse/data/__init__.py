"""From downloads, folders and arrays of images to a prepared data set."""
