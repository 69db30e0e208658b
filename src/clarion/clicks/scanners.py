"""Telling programs that look at links and e-mails from people, as far as a request tells.

Mail gateways open every link of a message before its recipient sees it, chat programs make
previews, browsers fetch pages in advance. None of them has to say so: what looks like a browser
counts as a person, unless every link of a message is opened at once (``clicks.store``).

The image that tells that an e-mail is opened is loaded by more programs. Apple's Mail Privacy
Protection loads it for everybody, opened or not, and calls itself “Mozilla/5.0” and nothing else.
Gmail and Yahoo load it through a proxy that names itself, usually when a person opens the e-mail.
None of this is promised by anybody: see docs/clicks.md.
"""

import re
from collections.abc import Mapping
from typing import Final

HEAD: Final = "head"  # a HEAD request: nobody looks at the page
AGENT: Final = "agent"  # the program's own name
PREFETCH: Final = "prefetch"  # the browser says that nobody has clicked yet
BURST: Final = "burst"  # all links of the message within seconds, soon after it was sent
PRIVACY: Final = "privacy"  # the mail program loads every image, whether or not it is shown
SOON: Final = "soon"  # loaded sooner after the sending than anybody opens an e-mail
PROXY: Final = "proxy"  # through the mail provider's image proxy: a person, as far as can be told
SIGNS: Final = (HEAD, AGENT, PREFETCH, BURST, PRIVACY, SOON, PROXY)

# Parts of names that crawlers, makers of previews, security gateways and HTTP libraries give
# themselves. “bot” and “preview” are in most.
_PROGRAMS: Final = re.compile(
    r"bot\b|bot[/_;-]|crawl|spider|preview|scan|monitor|validator|checker|fetch(?!\w*firefox)"
    r"|facebookexternalhit|facebookcatalog|meta-external|whatsapp/|telegrambot|skypeuripreview"
    r"|barracuda|mimecast|proofpoint|ironport|fireeye|trendmicro|symantec|messagelabs|sophos"
    r"|forcepoint|zscaler|safelinks|googleimageproxy|yahoomailproxy|google-safety|google-read"
    r"|curl/|wget/|python-|aiohttp|httpx|go-http-client|java/|okhttp|libwww|axios|node-fetch"
    r"|guzzle|apache-httpclient|ruby|headless|phantomjs|lighthouse",
    re.IGNORECASE,
)
_IN_ADVANCE: Final = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)
_PROXIES: Final = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)
_UNNAMED_MAIL: Final = "Mozilla/5.0"
_PURPOSES: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")


def is_person(sign: str) -> bool:
    """Whether what has this sign counts as a person."""
    return sign in ("", PROXY)


def sign_of_image(method: str, headers: Mapping[str, str]) -> str:
    """As ``sign_of``, of a request for the image in an e-mail."""
    program = headers.get("user-agent", "").strip()
    if method == "GET" and program == _UNNAMED_MAIL:
        return PRIVACY
    if method == "GET" and _PROXIES.search(program):
        return PROXY
    return sign_of(method, headers)


def sign_of(method: str, headers: Mapping[str, str]) -> str:
    """The sign that no person made this request: one of SIGNS, or "" where there is none.

    ``headers`` have lower-case names.
    """
    if method == "HEAD":
        return HEAD
    if any(_IN_ADVANCE.search(headers[name]) for name in _PURPOSES if name in headers):
        return PREFETCH
    program = headers.get("user-agent", "")
    if not program.strip() or _PROGRAMS.search(program):
        return AGENT
    return ""
