"""Base64 and base32, hashes, random text and paths."""

import base64
import binascii
import hashlib
import posixpath
import re
import zlib
from collections.abc import Callable

from tiphys.expression.calls import Function
from tiphys.expression.environment import World
from tiphys.expression.faults import RefusedError
from tiphys.expression.library.encoding import from_base64, to_base64

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ASCII = "".join(map(chr, range(32, 127)))
LONGEST_RANDOM = 1_000_000


def b64dec(text: str) -> str:
    """What is no base64 gives a text that says so."""
    try:
        return from_base64(text)
    except RefusedError:
        wrong = re.search(r"[^A-Za-z0-9+/\s]", text)
        return f"illegal base64 data at input byte {wrong.start() if wrong else len(text) // 4 * 4}"


def b32enc(text: str) -> str:
    return base64.b32encode(text.encode()).decode()


def b32dec(text: str) -> str:
    try:
        return base64.b32decode(text).decode(errors="replace")
    except (binascii.Error, ValueError):
        wrong = re.search(r"[^A-Z2-7\s]", text)
        return f"illegal base32 data at input byte {wrong.start() if wrong else len(text)}"


def sha1sum(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def sha256sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sha512sum(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def adler32sum(text: str) -> str:
    return str(zlib.adler32(text.encode()))


def _random(characters: str) -> Function:
    def drawn(world: World, count: int) -> str:
        if not 0 <= count <= LONGEST_RANDOM:
            raise RefusedError(f"{count} random characters.")
        return "".join(characters[world.below(len(characters))] for _ in range(count))

    return drawn


def uuidv4(world: World) -> str:
    number = world.below(2**64) << 64 | world.below(2**64)
    number = number & ~(0xF << 76) | 0x4 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    digits = f"{number:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def base(path: str) -> str:
    return posixpath.basename(path.rstrip("/")) or ("/" if path else ".")


def directory(path: str) -> str:
    return clean(path.rpartition("/")[0] + "/" * path.startswith("/"))


def clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return cleaned.removeprefix("/") if cleaned.startswith("//") else cleaned


def extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2] if "." in name else ""


def is_absolute(path: str) -> bool:
    return path.startswith("/")


_PATHS: dict[str, Callable[..., str | bool]] = {
    "base": base,
    "dir": directory,
    "clean": clean,
    "ext": extension,
    "isAbs": is_absolute,
}
FUNCTIONS: dict[str, Function] = {
    "adler32sum": adler32sum,
    "b32dec": b32dec,
    "b32enc": b32enc,
    "b64dec": b64dec,
    "b64enc": to_base64,
    "randAlpha": _random(LETTERS),
    "randAlphaNum": _random(LETTERS + DIGITS),
    "randAscii": _random(ASCII),
    "randNumeric": _random(DIGITS),
    "sha1sum": sha1sum,
    "sha256sum": sha256sum,
    "sha512sum": sha512sum,
    "uuidv4": uuidv4,
    **_PATHS,
    **{f"os{name[0].upper()}{name[1:]}": function for name, function in _PATHS.items()},
}
