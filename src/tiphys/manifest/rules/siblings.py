"""Files beside the given ones that may define what is missing. They are named, never used."""

import re
from pathlib import Path

MOST_FILES = 200
MOST_BYTES = 1_000_000


def defining(folder: Path, kind: str, name: str) -> Path | None:
    """Return a YAML file in *folder* that seems to hold a *kind* called *name*.

    A look, not a reading: the words are searched as text.
    """
    kind_line = re.compile(rf"^kind:\s*[\"']?{kind}[\"']?\s*$", re.MULTILINE)
    exact = rf"[\"']?{re.escape(name)}[\"']?"
    name_line = re.compile(rf"(^\s+|[{{,]\s*)name:\s*{exact}\s*([,}}]|$)", re.MULTILINE)
    for path in sorted(folder.glob("*.y*ml"))[:MOST_FILES]:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(MOST_BYTES)
        except OSError:
            continue
        if any(kind_line.search(each) and name_line.search(each) for each in text.split("\n---")):
            return path
    return None
