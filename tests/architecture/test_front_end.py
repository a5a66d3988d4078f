"""The front end is what it says: vendored files unchanged, nothing from outside, nothing inline."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
OWN = [
    path
    for folder, pattern in (("static/js", "*.js"), ("static/css", "*.css"), ("templates", "*.html"))
    for path in sorted((ROOT / folder).rglob(pattern))
]


def test_every_vendored_file_is_listed_with_its_checksum():
    listed = json.loads((VENDOR / "vendor.json").read_text())
    text = json.dumps(listed)
    for path in VENDOR.rglob("*"):
        if path.is_file() and path.name != "vendor.json":
            assert hashlib.sha256(path.read_bytes()).hexdigest() in text, f"{path.name} is changed or not listed"


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_loaded_from_another_origin(path):
    text = path.read_text()
    assert not re.search(r"""(?:src|href|url\(|from|import)\s*[=(]?\s*["']?(?:https?:)?//""", text)


@pytest.mark.parametrize("path", [p for p in OWN if p.suffix == ".html"], ids=lambda path: path.name)
def test_templates_have_no_inline_script_style_or_handler(path):
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


def test_own_scripts_never_set_html_directly():
    users = {
        path.name
        for path in OWN
        if path.suffix == ".js" and re.search(r"\.(inner|outer)HTML\s*=|insertAdjacentHTML", path.read_text())
    }
    assert users == set()
