"""Amounts as Kubernetes writes them."""

import re
from decimal import Decimal

_AMOUNT = re.compile(r"([+-]?[\d.]+)([a-zA-Z]*)")
_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", start=1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)},
}


def amount(text: object) -> Decimal:
    """Return *text* in base units (bytes, cores, devices); 0 for what is no amount.

    >>> amount("2Ki"), amount("100m"), amount(4), amount("")
    (Decimal('2048'), Decimal('0.100'), Decimal('4'), Decimal('0'))
    """
    found = _AMOUNT.fullmatch(str(text).strip())
    if found is None or found[2] not in _UNITS:
        return Decimal(0)
    return Decimal(found[1]) * _UNITS[found[2]]


def spelled(value: Decimal, resource: str) -> str:
    """Return an amount of *resource* as a person reads it.

    >>> spelled(Decimal(3 * 2**30), "memory"), spelled(Decimal("0.25"), "cpu")
    ('3.0Gi', '0.25')
    """
    if resource not in {"memory", "ephemeral-storage"}:
        return f"{value.normalize():f}"
    size = Decimal(value)
    for unit in ("", "Ki", "Mi", "Gi"):
        if size < 1024 or unit == "Gi":
            break
        size /= 1024
    return f"{size:.1f}{unit}" if size % 1 or unit == "Gi" else f"{size:.0f}{unit}"
