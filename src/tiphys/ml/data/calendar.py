"""Months as text, "2013-01"."""

from tiphys.errors import UserError


def months(first: str, last: str) -> list[str]:
    """Return the months from *first* to *last*.

    >>> months("2013-11", "2014-01")
    ['2013-11', '2013-12', '2014-01']
    """
    start, end = _count(first), _count(last)
    return [f"{count // 12}-{count % 12 + 1:02}" for count in range(start, end + 1)]


def _count(month: str) -> int:
    year, _, number = month.partition("-")
    if not (year.isdigit() and number.isdigit() and 1 <= int(number) <= 12):
        raise UserError(repr(month), "this is no month.", 'Write it like "2013-01".')
    return 12 * int(year) + int(number) - 1
