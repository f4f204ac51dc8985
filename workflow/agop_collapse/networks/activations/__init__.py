"""What hidden layers apply, entry by entry: one file each, with the object `activation`."""
