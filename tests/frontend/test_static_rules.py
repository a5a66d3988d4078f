"""House rules of the front end that a reader could miss."""

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC, TEMPLATES = ROOT / "static", ROOT / "templates"
MODULES = sorted((STATIC / "js").rglob("*.js"))
STYLES = sorted((STATIC / "css").glob("*.css"))
PAGES = sorted(TEMPLATES.rglob("*.html"))
LONGEST = 300
_IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
_FORBIDDEN = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|unsafeHTML")


def relative(path: Path) -> str:
    """Name a file in a test's id."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*MODULES, *STYLES, *PAGES], ids=relative)
def test_no_file_is_long(path: Path) -> None:
    """A file is one noun."""
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_import_leads_to_a_file(path: Path) -> None:
    """There is no build that would tell."""
    missing = [to for to in _IMPORT.findall(path.read_text()) if not (path.parent / to).resolve().is_file()]
    assert missing == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_writes_markup_past_the_template_language(path: Path) -> None:
    """lit-html escapes, DOMPurify cleans; nothing else makes elements out of text."""
    assert _FORBIDDEN.findall(path.read_text()) == []


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name == "logic"], ids=relative)
def test_logic_is_pure(path: Path) -> None:
    """No document, no clock, no network: time comes in as an argument."""
    forbidden = r"\b(?:document\.|window\.|localStorage|sessionStorage|fetch\(|setTimeout|Date\.now|location\.)"
    assert re.findall(forbidden, path.read_text()) == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_pages_keep_to_their_content_policy(path: Path) -> None:
    """Inline styles, handlers and scripts are blocked by the policy, so they would silently not work."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert re.findall(r"<[^>]*\s(?:style|on\w+)=", text) == []
    assert [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag] == []


@pytest.mark.parametrize("path", [*STYLES, *PAGES], ids=relative)
def test_pages_and_styles_load_nothing_from_outside(path: Path) -> None:
    """One origin: our own."""
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", path.read_text()) == []


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_every_asset_of_a_page_exists(path: Path) -> None:
    """asset('css/x.css') names a file; lists of styles are checked by their names."""
    text = path.read_text()
    named = re.findall(r"asset\('([^']+\.\w+)'\)", text)
    for names in re.findall(r"for name in \[([^\]]+)\]", text):
        named += [f"css/{name}.css" for name in re.findall(r'"(\w+)"', names)]
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_vendored_files_are_those_of_the_list() -> None:
    """Each file has the checksum it was taken with, each library its licence, and nothing lies there unlisted."""
    vendor = STATIC / "vendor"
    packages = json.loads((vendor / "vendor.json").read_text())["packages"]
    listed = {name: digest for package in packages for name, digest in package["files"].items()}
    there = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()} - {"vendor.json"}
    assert there == set(listed)
    assert {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in listed} == listed
    assert all(package["licence_file"] in listed and package["version"] and package["licence"] for package in packages)
