"""From what was measured to the rows of tables."""
