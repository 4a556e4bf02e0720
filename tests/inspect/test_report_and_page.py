"""The report and the page for classes: self-contained, refused to strangers, bounded; and ONNX."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import re
import shutil
import threading

import numpy as np
import pytest
from support.browser import chromium
from support.filmed import write_clip

import amdd
from amdd.analysis.gradcam import gradcam
from amdd.base.paths import PROJECT
from amdd.inspect import onnx
from amdd.inspect.folder import failed_row, row_of
from amdd.inspect.report import write_index, write_report
from amdd.inspect.worker import Limits


@pytest.fixture(scope="module")
def report(made, tmp_path_factory):
    _, run, prepared = made
    folder = tmp_path_factory.mktemp("report")
    clip = folder / "<b>a&b.mp4"
    for video in prepared.manifest.video[::-1]:  # one that gets an answer
        found = amdd.inspect(shutil.copy(video, clip), run.folder)
        if not found.abstained:
            break
    return write_report(found, clip, folder / "report.html", run.folder), found


def test_the_report_needs_no_network_and_names_all_hashes(report):
    path, found = report
    text = path.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "url(" not in text and "@import" not in text
    assert "<b>a&b" not in text and "&lt;b&gt;a&amp;b.mp4" in text
    for value in (found.sha256, found.weights, found.code):
        assert value and value in text
    assert "A score is no proof" in text[: text.index('class="verdict')]
    assert text.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]+"', text)) >= 6
    assert "data:video/mp4" in text


def test_the_index_has_a_row_for_every_file(made, report, tmp_path):
    _, run, _ = made
    path, found = report
    clip = path.with_name("<b>a&b.mp4")
    answers = [(clip, found, ""), (tmp_path / "torn.mp4", None, "torn")]
    index = write_index(
        answers, [row_of(found), failed_row(tmp_path / "torn.mp4", "torn")], tmp_path / "i", run.folder
    )
    text = index.read_text(encoding="utf-8")
    assert text.count("<tr>") == 3 and "torn.mp4" in text and (tmp_path / "i" / "00000.html").is_file()


def test_the_map_over_audio_is_a_map_of_the_spectrogram(made):
    _, run, prepared = made
    heat = gradcam(run, prepared, 0, branch="audio")
    assert heat.ndim == 3 and len(heat) == 1 and heat.min() >= 0 and heat.max() <= 1 + 1e-6


def test_the_report_in_a_browser(report):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        errors: list[str] = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.goto(report[0].as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        slider = page.locator("input.threshold")
        slider.focus()
        page.keyboard.press("End")
        assert page.locator(".called").inner_text() == "can't tell"
        page.keyboard.press("Home")
        assert page.locator(".called").inner_text() == report[1].verdict
        assert errors == []


class Served:
    """The page on a thread of its own."""

    def __init__(self, weights, limits: Limits) -> None:
        from amdd.inspect.server import start

        ready = threading.Event()

        async def main() -> None:
            self.server, self.address = await start(0, weights=weights, limits=limits)
            self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await self.stop.wait()
            self.server.stop()

        self.thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
        self.thread.start()
        assert ready.wait(30)
        self.host = self.address.split("/")[2]
        page = self.ask("GET", "/")[1].decode()
        self.token = re.search(r'token = "([^"]+)"', page)[1]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=600)
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def send(self, body: bytes) -> tuple[int, bytes]:
        return self.ask("POST", "/inspect", body, Origin=f"http://{self.host}", X_AMDD_Token=self.token)


@pytest.fixture(scope="module")
def served(made):
    page = Served(made[1].folder, Limits(bytes=1 << 20, seconds=5, deadline=300))
    yield page
    page.loop.call_soon_threadsafe(page.stop.set)


def test_the_page_answers_a_clip_and_keeps_nothing(served, tmp_path):
    status, body = served.send(write_clip(tmp_path / "a.mp4", seed=2).read_bytes())
    assert status == 200, body
    assert b'class=\\"verdict' in body and b"/tmp" not in body


def test_the_page_refuses_strangers(served):
    own = {"Origin": f"http://{served.host}", "X_AMDD_Token": served.token}
    assert served.ask("GET", "/", Host="evil.example")[0] == 421
    assert served.ask("POST", "/inspect", b"x", **own | {"Origin": "http://evil.example"})[0] == 403
    assert served.ask("POST", "/inspect", b"x", **own | {"X_AMDD_Token": "guess"})[0] == 403
    assert served.ask("POST", "/inspect", b"x")[0] == 403
    for path in ("/etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/style.css"):
        assert served.ask("GET", path)[0] == 404
    assert served.ask("POST", "/forge", b"{}", **own)[0] == 404  # nothing to forge with was given


def test_the_page_refuses_what_is_too_large_too_long_or_no_clip(served, tmp_path):
    with contextlib.suppress(
        ConnectionError, http.client.HTTPException
    ):  # it may hang up while it still arrives
        assert served.send(bytes(3 << 20))[0] == 413
    status, body = served.send(write_clip(tmp_path / "long.mp4", 7.0).read_bytes())
    assert status == 422 and b"at most 5" in body
    status, body = served.send(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    assert status == 422 and b"root:" not in body


def test_only_this_machine_is_served():
    from amdd.inspect.server import start

    with pytest.raises(ValueError, match="this machine alone"):
        asyncio.run(start(0, "0.0.0.0"))


def test_onnx_scores_equal_torchs_within_one_in_a_thousand(made, exported):
    _, run, prepared = made
    path, _ = exported
    assert onnx.largest_difference(run, path, prepared) < onnx.TOLERANCE
    ours = amdd.inspect.novelty.features_of(run, prepared)
    theirs = onnx.answer(onnx.session_of(path), run, prepared)
    for name in onnx.OUTPUTS:
        np.testing.assert_allclose(theirs[name], ours[name], atol=2e-3, rtol=2e-3)


def test_an_exported_network_says_nothing_of_the_machine_that_wrote_it(exported):
    data = exported[0].read_bytes()
    assert str(PROJECT).encode() not in data and b"stack_trace" not in data and b'.py"' not in data
