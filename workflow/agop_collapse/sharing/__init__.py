"""What others get of a study: a reference to compare with, and an archive; from files alone."""
