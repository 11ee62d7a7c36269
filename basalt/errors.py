"""The one error a user can act on."""


class BasaltError(Exception):
    """Something the user can mend: the message is one sentence that names the thing and the way out.

    Command lines print the message without a traceback and exit with code 1.
    """


def short_of_memory(error: BaseException) -> str | None:
    """The sentence for an error of Python, numpy or torch that says that there was no more memory; None for others."""
    words = ("can't allocate memory", "out of memory")  # torch's, which are RuntimeErrors, of a processor and a GPU
    told = str(error).partition("\n")[0]
    if not isinstance(error, MemoryError) and not (isinstance(error, RuntimeError) and any(w in told for w in words)):
        return None
    reason = f" ({told})" if told else ""
    return f"There is not enough memory{reason}: ask for smaller sizes, or fewer samples at a time."
