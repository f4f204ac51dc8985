"""Files that are whole or not there. They know no science."""
