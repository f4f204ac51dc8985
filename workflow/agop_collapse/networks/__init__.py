"""Networks with a head of fully connected layers: what they are and how they train."""
