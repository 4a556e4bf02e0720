"""The book as one file: PDF, printed by a Chromium, and EPUB, written by pandoc."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import yaml

from amdd.base.paths import PROJECT, Workspace, atomic
from amdd.companion.book import BookFailed, complaints, jupyter_book, stage

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Of a page of the theme, an e-book keeps the text: no marks to link to a heading, no buttons, nothing that needs a script.
ARTICLE = re.compile(r'<article class="bd-article".*</article>', re.DOTALL)
UNREAD = re.compile(
    r'<a class="headerlink".*?</a>|<(script|noscript|button|style)\b.*?</\1>|<(?:input|label)\b[^>]*>|</label>',
    re.DOTALL,
)
# pandoc begins a file at headings that stand in no block; what the block was for, the target of links, is kept.
NAMED_BLOCK = re.compile(r'<(?:section|div|article|figure|dt|dd|li|p|td)\b[^>]*?\sid="([^"]+)"[^>]*>')

LOCAL = re.compile(r'href="(?![a-z]+:)[^"#]*#')  # a link to another page of the book, which is this page now
TARGET = re.compile(r'<span id="[^"]+"></span>')
# Possessive: what stands between two headings is tried once, however long.
BEFORE_HEADING = re.compile(
    r'((?:<span id="[^"]+"></span>|\s|</?(?:section|div)\b[^>]*+>)++)(<h[1-6]\b[^>]*>)'
)


def one_page(workspace: Workspace, echo=print) -> Path:
    """Build the whole book as one HTML page and return the page. Raises ``BookFailed``."""
    echo("book  on one page")
    source, out = stage(workspace), workspace.root / "pdf"
    shutil.rmtree(out, ignore_errors=True)
    status, text = jupyter_book(
        source, out, workspace, "--builder", "custom", "--custom-builder", "singlehtml"
    )
    pages = sorted(out.glob("_build/**/index.html")) + sorted(out.glob("_build/**/intro.html"))
    if status != 0 or not pages:
        raise BookFailed("the one-page book was not built:\n" + complaints(text))
    return max(pages, key=lambda p: p.stat().st_size)


def pdf(workspace: Workspace, target: Path | None = None, page: Path | None = None, echo=print) -> Path:
    """The whole book as one PDF, printed by a headless Chromium; its path. ``page`` is the book on one page, if built.

    Raises :class:`BookFailed` when no browser is installed or the book can't be built.
    """
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        raise BookFailed(f"no browser to print with; install one of {', '.join(BROWSERS)}")
    target = target or workspace.root / "book.pdf"
    page = page or one_page(workspace, echo)
    echo("book  printing")
    # A root process may run Chromium without its sandbox only; the page is our own.
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
               "--virtual-time-budget=60000", f"--print-to-pdf={target}", page.as_uri()]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if run.returncode != 0 or not target.is_file():
        raise BookFailed("the browser did not print:\n" + run.stderr[-500:])
    return target


def pandoc_path() -> str:
    """Return the path of pandoc: the one on the search path, or that of the package pypandoc-binary. Raises ``BookFailed``."""
    if found := shutil.which("pandoc"):
        return found
    try:
        import pypandoc

        return pypandoc.get_pandoc_path()
    except (ImportError, OSError):
        raise BookFailed(
            "no pandoc to write the EPUB with; install it from pandoc.org or by pip install pypandoc-binary"
        ) from None


def article(page: str) -> str:
    """Return the text of a built page without what only a browser can use."""
    found = ARTICLE.search(page)
    if not found:
        raise BookFailed("the one-page book has no article; does its theme still call it bd-article?")
    text = NAMED_BLOCK.sub(r'\g<0><span id="\1"></span>', UNREAD.sub("", found[0]))
    text = LOCAL.sub('href="#', text)
    return BEFORE_HEADING.sub(lambda m: m[2] + "".join(TARGET.findall(m[1])), text)


def epub(workspace: Workspace, target: Path | None = None, page: Path | None = None, echo=print) -> Path:
    """The whole book as one EPUB 3, formulas as MathML, a file for each chapter; its path. ``page`` as in :func:`pdf`.

    Raises :class:`BookFailed` when pandoc is not installed or the book can't be built.
    """
    pandoc, target = pandoc_path(), target or workspace.root / "book.epub"
    page = page or one_page(workspace, echo)
    echo("book  as EPUB")
    text = page.with_name("article.html")
    text.write_text(article(page.read_text(encoding="utf-8")), encoding="utf-8")
    about = yaml.safe_load((PROJECT / "_config.yml").read_text(encoding="utf-8"))
    with atomic(target) as draft:
        command = [pandoc, str(text), "--from=html-native_divs+tex_math_single_backslash", "--to=epub3", "--mathml", "--toc",
                   "--toc-depth=2", "--split-level=2", f"--metadata=title:{about['title']}",
                   f"--metadata=author:{about['author']}", "--metadata=lang:en-GB",
                   f"--css={PROJECT / 'book' / '_static' / 'epub.css'}", f"--resource-path={page.parent}",
                   f"--output={draft}"]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        if run.returncode != 0 or not draft.is_file():
            raise BookFailed("pandoc did not write the EPUB:\n" + run.stderr[-500:])
    return target
