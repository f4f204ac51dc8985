"""What is said of each kind of figure, with its numbers from the tables."""
