"""A headless Chromium that is served a page with the headers Argo Server sent it with."""

import shutil
import subprocess
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KNOWN = ("chromium", "google-chrome", "chromium-browser")
COMPLAINTS = (
    "Refused to",
    "Blocked script",
    "violates the following",
    "ERROR:CONSOLE",
    "Failed to load",
)


def find() -> str | None:
    """Return the browser's command, if there is one."""
    return next((found for name in KNOWN if (found := shutil.which(name))), None)


def screenshot(page: bytes, headers: Mapping[str, str], picture: Path) -> list[str]:
    """Make a *picture* of *page*; return what the browser's console says against it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/" else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(page if self.path == "/" else b"")

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        return _visit(f"http://127.0.0.1:{server.server_address[1]}/", picture)
    finally:
        server.shutdown()
        server.server_close()


def _visit(url: str, picture: Path) -> list[str]:
    profile = picture.parent / "browser"
    command = [
        *(find() or "chromium", "--headless=new", "--no-sandbox", "--disable-gpu"),
        *("--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1000,2600"),
        *("--enable-logging=stderr", "--no-first-run", f"--user-data-dir={profile}"),
        *(f"--screenshot={picture}", url),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = (done.stdout + done.stderr).splitlines()
    about_favicon = "favicon.ico"
    return [
        line
        for line in said
        if any(words in line for words in COMPLAINTS) and about_favicon not in line
    ]
