"""Styles, scripts and icons: few requests, kept for good, and never an old one after an update."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from clarion.web import assets

STATIC = Path(assets.__file__).parent / "static"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Assets of its own, which may be changed."""
    for name in ("tokens", "z-area"):
        path = tmp_path / "web" / "css" / f"{name}.css"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f".{name} {{}}", encoding="utf-8")
    monkeypatch.setattr(assets, "_ROOT", tmp_path)
    monkeypatch.setattr(assets, "_FIRST_STYLES", ("tokens",))
    monkeypatch.setattr(assets, "_EVERY_PAGE", ())
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    for remembered in (assets._sources, assets._digest, assets._asset):
        remembered.cache_clear()


@pytest.mark.django_db
def test_a_page_loads_few_assets_and_all_of_them_exist(admin: Client) -> None:
    page = admin.get("/").content.decode()
    addresses = set(re.findall(r'(?:src|href)="(/assets/[^"#]+)', page))
    assert len(addresses) <= 7
    for address in addresses:
        response = admin.get(address)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert int(response.headers["Content-Length"]) == len(response.content)


def test_every_stylesheet_is_in_the_one_that_pages_load(client: Client) -> None:
    together = client.get(assets.url(assets.STYLES)).content
    every = sorted((STATIC / "web" / "css").glob("*.css"))
    assert every
    for path in every:
        assert together.count(path.read_bytes()) == 1
    assert together.index(b"@font-face") < together.index(b".picker")


def test_what_a_stylesheet_names_exists(client: Client) -> None:
    address = assets.url(assets.STYLES)
    names = set(re.findall(r'url\("([^"]+)"\)', client.get(address).content.decode()))
    assert names
    for name in names:
        relative = (Path(address).parent / name).as_posix()
        while ".." in relative:
            relative = re.sub(r"[^/]+/\.\./", "", relative, count=1)
        assert client.get(relative).status_code == 200


def test_it_is_compressed_for_who_can_read_that(client: Client) -> None:
    address = assets.url(assets.SCRIPTS)
    plain = client.get(address)
    packed = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.content) == plain.content
    assert len(packed.content) < len(plain.content) / 2
    font = assets.url("vendor/inter/inter-latin-wght-normal.woff2")
    assert "Content-Encoding" not in client.get(font, headers={"Accept-Encoding": "gzip"}).headers


def test_another_content_has_another_address(folder: Path, client: Client) -> None:
    before = assets.url(assets.STYLES)
    (folder / "web" / "css" / "z-area.css").write_text(".changed {}", encoding="utf-8")
    _forget()
    after = assets.url(assets.STYLES)
    assert after != before
    old_page = client.get(before)  # opened before the update
    assert b".changed" in old_page.content
    assert old_page.headers["Cache-Control"] == "no-cache"


@pytest.mark.usefixtures("folder")
def test_areas_come_after_what_they_build_on(client: Client) -> None:
    together = client.get(assets.url(assets.STYLES)).content
    assert together.index(b".tokens") < together.index(b".z-area")


@pytest.mark.parametrize(
    "name", ["../settings.py", "vendor/CHECKSUMS", "vendor/inter/LICENSE", "none.css", ""]
)
def test_nothing_else_is_served(client: Client, name: str) -> None:
    assert client.get(f"/assets/0/{name}").status_code == 404


def test_an_asset_that_does_not_exist_fails_where_it_is_named() -> None:
    with pytest.raises(KeyError, match=r"no asset “web/none\.js”"):
        assets.url("web/none.js")


def test_head_and_post(client: Client) -> None:
    address = assets.url(assets.SCRIPTS)
    head = client.head(address)
    assert head.status_code == 200
    assert head.content == b""
    assert client.post(address).status_code in {403, 404, 405}


def test_no_class_means_two_things() -> None:
    """All stylesheets are sent as one: a class of one area would change the pages of another."""
    files: dict[str, set[str]] = {}
    for path in sorted((STATIC / "web" / "css").glob("*.css")):
        text = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", path.read_text(), flags=re.DOTALL)
        selectors = re.findall(r"([^{}]+)\{", text)
        for one in (part.strip() for selector in selectors for part in selector.split(",")):
            if re.fullmatch(r"\.[a-z][\w-]*", one):
                files.setdefault(one, set()).add(path.name)
    assert {name: found for name, found in files.items() if len(found) > 1} == {}
