"""The one error of the harness."""


class HarnessError(Exception):
    """The cluster could not be built, started or reached; the text says what to look at."""
