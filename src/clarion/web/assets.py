"""Stylesheets, scripts, icons and the typeface: few requests, compressed, and cached for good.

Their address contains a digest of all of them, so that a browser keeps each until one of them
changes. Addresses within a stylesheet are relative, and so contain the same digest.
"""

import gzip
import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse

PREFIX: Final = "/assets/"
STYLES: Final = "web/css/all.css"
SCRIPTS: Final = "web/all.js"
_ROOT = Path(__file__).parent / "static"
# The page of an unsubscribe link has a stylesheet of its own.
_ROOT_OF_HOOKS = Path(__file__).parent.parent / "hooks" / "static"
# The order counts: of two rules of equal weight the later one wins. Areas come after these.
_FIRST_STYLES = (
    "fonts",
    "tokens",
    "base",
    "frame",
    "controls",
    "choices",
    "components",
    "status",
    "navigation",
    "tables",
    "charts",
    "broadcasts",
    "broadcast",
    "records",
    "compose",
    "preview",
)
_EVERY_PAGE = ("vendor/htmx/htmx.min.js", "web/morph.js", "web/live.js", "web/app.js")
# What is served, by the end of its name: licences and checksums are not.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_PACKED_ALREADY = {".woff2"}
_FOR_GOOD = "public, max-age=31536000, immutable"

Handler = Callable[[HttpRequest], HttpResponse]


class Asset(NamedTuple):
    """What is sent for one address; ``compressed`` is empty where that would save nothing."""

    content_type: str
    body: bytes
    compressed: bytes


def url(name: str) -> str:
    """The address of an asset by its path below ``static``. Raises KeyError for an unknown one."""
    if name not in _sources():
        raise KeyError(f"There is no asset “{name}” in {_ROOT}.")
    return f"{PREFIX}{_digest()}/{name}"


def serve(handler: Handler) -> Handler:
    """Middleware that answers requests for assets before anything else looks at them."""

    def answer(request: HttpRequest) -> HttpResponse:
        if settings.DEBUG:  # somebody is working on them
            for remembered in (_sources, _digest, _asset):
                remembered.cache_clear()
        if not request.path.startswith(PREFIX) or request.method not in {"GET", "HEAD"}:
            return handler(request)
        digest, _, name = request.path.removeprefix(PREFIX).partition("/")
        if name not in _sources():
            return handler(request)
        return _response(_asset(name), request, is_current=digest == _digest())

    return answer


def _response(asset: Asset, request: HttpRequest, *, is_current: bool) -> HttpResponse:
    packed = bool(asset.compressed) and "gzip" in request.headers.get("Accept-Encoding", "")
    body = asset.compressed if packed else asset.body
    response = HttpResponse(body, content_type=asset.content_type)
    response.headers["Content-Length"] = str(len(body))
    # A page that was opened before an update still asks for what is no longer there.
    response.headers["Cache-Control"] = _FOR_GOOD if is_current else "no-cache"
    if asset.compressed:
        response.headers["Vary"] = "Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _sources() -> dict[str, tuple[Path, ...]]:
    """The files each asset is made of, by its name."""
    files = {
        path.relative_to(root).as_posix(): (path,)
        for root in (_ROOT, _ROOT_OF_HOOKS)
        for path in sorted(root.rglob("*"))
        if path.suffix in _TYPES
    }
    first = [f"web/css/{name}.css" for name in _FIRST_STYLES]
    areas = [name for name in files if name.startswith("web/css/") and name not in first]
    return files | {
        STYLES: tuple(_ROOT / name for name in (*first, *areas)),
        SCRIPTS: tuple(_ROOT / name for name in _EVERY_PAGE),
    }


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for name, paths in _sources().items():
        digest.update(name.encode())
        for path in paths:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _asset(name: str) -> Asset:
    body = b"\n".join(path.read_bytes() for path in _sources()[name])
    suffix = Path(name).suffix
    compressed = b"" if suffix in _PACKED_ALREADY else gzip.compress(body, mtime=0)
    return Asset(_TYPES[suffix], body, compressed)
