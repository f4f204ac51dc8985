"""The error that a user can mend."""


class UserError(ValueError):
    """Something given - settings, data, a file, a machine - cannot be used.

    The message says what is wrong, where, and what to do; a job shows it without a traceback.
    """
