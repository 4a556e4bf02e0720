"""A local page on which a class inspects clips; Tornado serves it.

Tornado is well kept, comes with Jupyter, on which this project depends already, and reads a request body piece by piece,
so that an upload over the limit is refused while it arrives. Gradio would bring a front end of its own, fonts from a
network and a hundred packages.

The page is served to this machine alone. A request must name the server's own host, come from its own page (``Origin``),
and carry the page's token; there is no route that reads a file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import tornado.httpserver
import tornado.netutil
import tornado.web

from amdd.inspect.answer import ETHICS
from amdd.inspect.report import templates
from amdd.inspect.worker import Limits, Refused, answer_bytes, forge_and_answer, in_a_process

log = logging.getLogger("amdd")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
POLICY = (
    "default-src 'none'; img-src data: blob:; media-src data: blob:; style-src 'nonce-{0}'; script-src 'nonce-{0}'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Settings:
    """Settings and functions that the handlers share: ``forge`` makes a pair of clips, ``choices`` lists what it can make."""

    hosts: frozenset[str]
    token: str
    weights: Path | None
    limits: Limits
    busy: asyncio.Semaphore
    forge: Callable[..., tuple[Path, Path]] | None = None
    choices: dict[str, Any] | None = None


class _Handler(tornado.web.RequestHandler):
    settings_: Settings

    def initialize(self, settings: Settings) -> None:
        self.settings_ = settings

    def set_default_headers(self) -> None:
        self.set_header("Server", "amdd")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")

    def prepare(self) -> None:
        """Refuse a foreign host (DNS rebinding), a foreign page, and a request without the page's token."""
        if self.request.headers.get("Host", "") not in self.settings_.hosts:
            raise tornado.web.HTTPError(421, "foreign host")
        if self.request.method == "GET":
            return
        origin = self.request.headers.get("Origin", "")
        if origin.partition("://")[2] not in self.settings_.hosts:
            raise tornado.web.HTTPError(403, "foreign origin")
        if not secrets.compare_digest(self.request.headers.get("X-AMDD-Token", ""), self.settings_.token):
            raise tornado.web.HTTPError(403, "no token")

    def write_error(self, status_code: int, **details: Any) -> None:
        error = details.get("exc_info", (None, None, None))[1]
        reason = getattr(error, "log_message", None) or f"error {status_code}"
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"error": reason}))

    async def work(self, task: Callable[..., Any], *arguments: Any, deadline: float) -> None:
        """Answer with what ``task`` returns in a process of its own; one at a time."""
        limits = self.settings_.limits
        async with self.settings_.busy:
            try:
                found = await asyncio.to_thread(
                    in_a_process, task, *arguments, deadline=deadline, memory=limits.memory
                )
            except Refused as error:
                self.set_status(422)
                found = {"error": str(error)}
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(found))


class Page(_Handler):
    """The page."""

    def get(self) -> None:
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", POLICY.format(nonce))
        page = templates().get_template("serve.html")
        self.finish(
            page.render(
                nonce=nonce,
                token=self.settings_.token,
                choices=self.settings_.choices,
                limits=self.settings_.limits,
                ethics=ETHICS,
            )
        )


@tornado.web.stream_request_body
class Upload(_Handler):
    """A clip as the body of a request; it is kept in memory, at most ``limits.bytes`` of it."""

    def prepare(self) -> None:
        super().prepare()
        self.chunks: list[bytes] = []
        self.size = 0
        length = self.request.headers.get("Content-Length", "")
        if length.isdigit() and int(length) > self.settings_.limits.bytes:
            raise self._too_large()

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size > self.settings_.limits.bytes:
            raise self._too_large()
        self.chunks.append(chunk)

    def _too_large(self) -> tornado.web.HTTPError:
        return tornado.web.HTTPError(413, f"at most {self.settings_.limits.bytes >> 20} MB are taken here")

    async def post(self) -> None:
        data, self.chunks = b"".join(self.chunks), []
        name = unquote(self.request.headers.get("X-AMDD-Name", "clip"))[:120] or "clip"
        settings = self.settings_
        task = answer_bytes, data, name, settings.weights, settings.limits
        await self.work(*task, deadline=settings.limits.deadline)


class Forge(_Handler):
    """An order for a rendered person's recording and its forgery."""

    async def post(self) -> None:
        settings = self.settings_
        if settings.forge is None:
            raise tornado.web.HTTPError(404, "nothing is forged here")
        try:
            order = json.loads(self.request.body)
            order = int(order["person"]), str(order["sentence"]), str(order["generator"])
        except (ValueError, KeyError, TypeError):
            raise tornado.web.HTTPError(400, "expected person, sentence and generator") from None
        task = forge_and_answer, settings.forge, order, settings.weights, settings.limits
        await self.work(*task, deadline=settings.limits.forging)


def application(settings: Settings) -> tornado.web.Application:
    """Return the three routes."""
    routes = [(r"/", Page), (r"/inspect", Upload), (r"/forge", Forge)]
    return tornado.web.Application(
        [(path, handler, {"settings": settings}) for path, handler in routes],
        log_function=lambda handler: log.info("%s %s", handler.request.method, handler.get_status()),
    )


def bind(port: int, host: str) -> tuple[list[socket.socket], str, frozenset[str]]:
    """Return sockets on this machine (port 0: any free one), the address, and the hosts by which requests may name it.

    Raises ``ValueError`` for a host that is not this machine.
    """
    if host not in LOOPBACK:
        raise ValueError(
            f"host={host}: expected one of: {', '.join(LOOPBACK)}; the page is for this machine alone"
        )
    sockets = tornado.netutil.bind_sockets(port, host)
    port = sockets[0].getsockname()[1]
    hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]"))
    return sockets, f"http://{'[::1]' if host == '::1' else host}:{port}/", hosts


async def start(
    port: int = 8765,
    host: str = "127.0.0.1",
    weights: Path | None = None,
    limits: Limits | None = None,
    forge: Callable[..., tuple[Path, Path]] | None = None,
    choices: dict[str, Any] | None = None,
) -> tuple[tornado.httpserver.HTTPServer, str]:
    """Start the server and return it with the page's address; port 0 takes any that is free.

    Raises ``ValueError`` for a host that is not this machine.
    """
    sockets, address, hosts = bind(port, host)
    limits = limits or Limits()
    settings = Settings(
        hosts,
        secrets.token_urlsafe(24),
        weights,
        limits,
        asyncio.Semaphore(1),
        forge,
        choices,
    )
    server = tornado.httpserver.HTTPServer(
        application(settings),
        max_body_size=4 * limits.bytes,
        max_header_size=16 << 10,
        idle_connection_timeout=600,
    )
    server.add_sockets(sockets)
    return server, address
