"""Files that are whole or not there, and say what they were made from. They know no science."""
