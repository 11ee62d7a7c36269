"""The one error a user can act on."""


class BasaltError(Exception):
    """Something the user can mend: the message is one sentence that names the thing and the way out.

    Command lines print the message without a traceback and exit with code 1.
    """
