"""Metadata files for archives and reviewers: codecheck.yml and CITATION.cff."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
import yaml

from amdd.base.paths import PROJECT

TEXT = (PROJECT / "codecheck.yml").read_text(encoding="utf-8")
SPECIFICATION = "https://codecheck.org.uk/spec/config/2.0"


def orcid_is_valid(orcid: str) -> bool:
    """Whether the last character is the ISO 7064 MOD 11-2 check character of the fifteen digits before it."""
    if not re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", orcid):
        return False
    digits, total = orcid.replace("-", ""), 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == digits[-1]


def author_side_faults(text: str) -> set[str]:
    """Return the identifiers of CODECHECK's author-side rules (specification 2.0) that ``text`` breaks.

    The checker's own part (codechecker, report, summary, certificate) is not asked for. An ORCID that is not known
    (CC-CFG-020) cannot be given; one that is given must be valid.
    """
    faults = set() if text.startswith("---\n") else {"CC-CFG-002"}
    record = yaml.safe_load(text)
    if record.get("version") != SPECIFICATION:
        faults.add("CC-CFG-015")
    manifest = record.get("manifest") or []
    if not manifest:
        faults.add("CC-CFG-004")
    for item in manifest:
        path = PurePosixPath(item.get("file", ""))
        if not item.get("file"):
            faults.add("CC-CFG-005")
        if path.is_absolute() or ".." in path.parts:
            faults.add("CC-CFG-006")
        if not item.get("comment"):
            faults.add("CC-CFG-007")
    paper = record.get("paper") or {}
    authors = paper.get("authors") or []
    required = {"CC-CFG-017": paper.get("title"), "CC-CFG-018": authors, "CC-CFG-021": paper.get("reference")}
    faults |= {rule for rule, value in required.items() if not value}
    if not all(author.get("name") for author in authors):
        faults.add("CC-CFG-019")
    if not all(orcid_is_valid(author["ORCID"]) for author in authors if "ORCID" in author):
        faults.add("CC-MET-001")
    if not re.match(r"https://doi\.org/10\.", str(paper.get("reference"))):
        faults.add("CC-CFG-028")
    if re.search(r"FIXME|TODO|XXXXX", text):
        faults.add("CC-CFG-023")
    return faults


def test_codecheck_file_keeps_the_author_side_rules():
    assert author_side_faults(TEXT) == set()


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("---\n", "", "CC-CFG-002"),
        ("config/2.0", "config/1.0", "CC-CFG-015"),
        ("manifest:", "outputs:", "CC-CFG-004"),
        ("file: _build", "file: /_build", "CC-CFG-006"),
        ("authors:", "people:", "CC-CFG-018"),
        ("- name: Wei Zhang", "- ORCID: 0000-0002-1825-0097", "CC-CFG-019"),
        ("name: Wei Zhang", "name: Wei Zhang\n      ORCID: 0000-0002-1825-0098", "CC-MET-001"),
        ("https://doi.org/10.48550/", "https://arxiv.org/pdf/", "CC-CFG-028"),
        ('title: "Attr', 'title: "TODO Attr', "CC-CFG-023"),
    ],
)
def test_a_broken_rule_is_found(old, new, rule):
    assert old in TEXT
    assert rule in author_side_faults(TEXT.replace(old, new))


def test_a_valid_orcid_breaks_no_rule():
    named = TEXT.replace("name: Wei Zhang", "name: Wei Zhang\n      ORCID: 0000-0002-1825-0097")
    assert author_side_faults(named) == set()


def test_outputs_of_codecheck_are_those_that_the_chapters_declare():
    """Every file of the manifest is written by a chapter, by the name that its script gives to it."""
    scripts = "\n".join(p.read_text(encoding="utf-8") for p in (PROJECT / "notebooks").glob("*.py"))
    for item in yaml.safe_load(TEXT)["manifest"]:
        stem = PurePosixPath(item["file"]).stem
        assert stem == "manifest" or re.search(rf'"{re.escape(stem)}"', scripts), item["file"]


def test_citation_names_the_authors_of_the_paper_as_codecheck_does():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    names = [f"{a['given-names']} {a['family-names']}" for a in citation["references"][0]["authors"]]
    assert names == [a["name"] for a in yaml.safe_load(TEXT)["paper"]["authors"]]
