"""The book as one file, on small pages; the whole book is printed in test_whole_book.py."""

import base64
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest

from amdd.base.paths import Workspace
from amdd.companion import editions
from amdd.companion.book import BookFailed

SVG = base64.b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><path d="M0 0h2"/></svg>'
).decode()
PAGE = f"""<html><body><nav>Menu</nav><article class="bd-article"><section id="a">
<h1>First chapter<a class="headerlink" href="#a">#</a></h1>
<p>A loss <span class="math notranslate nohighlight">\\(\\alpha_t x^2\\)</span> of <a href="#b">the second</a>.</p>
<div class="math notranslate nohighlight">\\[\\sum_i p_i\\]</div>
<img alt="a line" src="data:image/svg+xml;base64,{SVG}">
<script>alert(1)</script><button>Play</button></section>
<section id="b"><h1>Second chapter</h1><details><summary>Values</summary><p>0.81 &lt; 0.9</p></details></section>
</article></body></html>"""


@pytest.fixture
def written(tmp_path):
    page = tmp_path / "index.html"
    page.write_text(PAGE, encoding="utf-8")
    return zipfile.ZipFile(
        editions.epub(Workspace(tmp_path), tmp_path / "b.epub", page, echo=lambda *_: None)
    )


def test_an_epub_has_a_file_for_each_chapter_with_formulas_and_pictures(written):
    assert written.namelist()[0] == "mimetype"
    assert written.read("mimetype") == b"application/epub+zip"
    pages = {n: written.read(n).decode() for n in written.namelist() if n.endswith(".xhtml")}
    for text in pages.values():
        ElementTree.fromstring(text)  # readers refuse what is not well-formed
    first = next(t for t in pages.values() if "First chapter</h1>" in t)
    second = next(t for t in pages.values() if "Second chapter</h1>" in t)
    assert first is not second
    assert first.count("<math") == 2
    assert "0.81 &lt; 0.9" in second
    assert any(name.endswith(".svg") for name in written.namelist())


def test_an_epub_holds_nothing_that_needs_a_browser(written):
    text = "".join(written.read(n).decode() for n in written.namelist() if n.endswith(".xhtml"))
    assert "alert" not in text
    assert "Play" not in text
    assert "Menu" not in text


def test_a_link_between_chapters_leads_to_the_other_file(written):
    first = next(
        t
        for n in written.namelist()
        if "First chapter</h1>" in (t := written.read(n).decode("utf-8", "replace"))
    )
    second = next(n for n in written.namelist() if b"Second chapter</h1>" in written.read(n))
    assert f'href="{second.rpartition("/")[2]}#b"' in first


def test_without_pandoc_the_message_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(editions.shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "pypandoc", None)
    with pytest.raises(BookFailed, match="pip install pypandoc-binary"):
        editions.epub(Workspace(tmp_path))


def test_a_page_of_another_theme_is_refused():
    with pytest.raises(BookFailed, match="bd-article"):
        editions.article("<html><body><main>text</main></body></html>")


def test_long_runs_of_blocks_before_no_heading_take_no_time():
    """Nested repeats without atomic groups took minutes on the whole book; ended by a timeout of the test's process."""
    page = '<article class="bd-article">' + "\n   <div>" * 400 + "text</article>"
    code = "import sys; from amdd.companion.editions import article; print(len(article(sys.stdin.read())))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=page, capture_output=True, text=True, timeout=120, check=True
    )
    assert int(done.stdout) == len(page)
