"""The whole book in one piece: on paper, and as an EPUB."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest
from support.browser import chromium_or_skip

pytestmark = pytest.mark.book


@pytest.fixture(scope="module")
def one_page(smoke):
    from amdd.companion.editions import one_page

    return one_page(smoke, echo=lambda *_: None)


def test_the_whole_book_can_be_printed(smoke, one_page, tmp_path):
    from amdd.companion.editions import pdf

    chromium_or_skip()
    target = pdf(smoke, tmp_path / "book.pdf", one_page, echo=lambda *_: None)
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 30
    assert len(re.findall(rb"/Subtype\s*/Image", data)) > 5


def test_the_whole_book_is_an_epub_of_well_formed_files_whose_links_lead_somewhere(smoke, one_page, tmp_path):
    from amdd.companion.editions import epub

    book = zipfile.ZipFile(epub(smoke, tmp_path / "book.epub", one_page, echo=lambda *_: None))
    pages = {
        n.rpartition("/")[2]: ElementTree.fromstring(book.read(n))
        for n in book.namelist()
        if n.endswith(".xhtml")
    }
    assert len(pages) > 30
    assert sum(1 for root in pages.values() for e in root.iter() if e.tag.endswith("}math")) > 20
    names = {n: {e.get("id") for e in root.iter()} for n, root in pages.items()}
    broken = []
    for name, root in pages.items():
        for link in (e.get("href", "") for e in root.iter() if e.tag.endswith("}a")):
            file, _, part = link.partition("#")
            if "://" not in link and part and part not in names.get(file.rpartition("/")[2] or name, set()):
                broken.append(f"{name}: {link}")
    assert broken == []
