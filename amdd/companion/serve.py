"""The built book on a local page, so that its cells run: a browser starts no Python on pages opened from disk."""

from __future__ import annotations

from pathlib import Path

import tornado.httpserver
import tornado.web

from amdd.base.paths import Workspace
from amdd.inspect.server import bind

TYPES = {
    ".wasm": "application/wasm",
    ".js": "text/javascript",
    ".gz": "application/octet-stream",
}


class _Page(tornado.web.StaticFileHandler):
    """Files below one folder, for this machine's own browser only."""

    def initialize(self, path: str, hosts: frozenset[str]) -> None:  # type: ignore[override]
        super().initialize(path, default_filename="index.html")
        self.hosts = hosts

    def prepare(self) -> None:
        """Refuse a foreign host (DNS rebinding)."""
        if self.request.headers.get("Host", "") not in self.hosts:
            raise tornado.web.HTTPError(421, "foreign host")

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")  # a book that was built again is another one
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def get_content_type(self) -> str:
        return TYPES.get(Path(self.absolute_path or "").suffix) or super().get_content_type()


def start_book(
    folder: Path, port: int = 0, host: str = "127.0.0.1"
) -> tuple[tornado.httpserver.HTTPServer, str]:
    """Serve the files below ``folder`` to this machine and return the server and its address; port 0: any free one.

    Raises ``ValueError`` for a host that is not this machine.
    """
    sockets, address, hosts = bind(port, host)
    pages = tornado.web.Application([(r"/(.*)", _Page, {"path": str(folder), "hosts": hosts})])
    server = tornado.httpserver.HTTPServer(pages)
    server.add_sockets(sockets)
    return server, address


def built_folder(workspace: Workspace) -> Path:
    """Return the folder of the built book. Raises ``FileNotFoundError`` with the cure where there is none."""
    folder = workspace.root / "book" / "_build" / "html"
    if not (folder / "index.html").is_file():
        name = workspace.root.name
        raise FileNotFoundError(f"{folder}: no built book; run `amdd book --profile {name}` first")
    return folder
