"""Which requests no person made."""

import pytest

from clarion.clicks.scanners import AGENT, HEAD, PREFETCH, sign_of

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
IN_APP = SAFARI.replace("Safari/604.1", "Instagram 350.0.0 [FBAN/FBIOS;FBAV/486.0]")


@pytest.mark.parametrize("agent", [CHROME, SAFARI, FIREFOX, IN_APP])
def test_browsers_are_people(agent: str) -> None:
    assert sign_of("GET", {"user-agent": agent}) == ""
    assert sign_of("HEAD", {"user-agent": agent}) == HEAD


@pytest.mark.parametrize("header", ["purpose", "sec-purpose", "x-purpose", "x-moz"])
def test_a_page_fetched_in_advance(header: str) -> None:
    assert sign_of("GET", {"user-agent": CHROME, header: "prefetch;prerender"}) == PREFETCH


@pytest.mark.parametrize(
    "agent",
    [
        "",
        " ",
        "TelegramBot (like TwitterBot)",
        "WhatsApp/2.23.20.0",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "BarracudaCentral Link Scanner",
        "Mozilla/5.0 SkypeUriPreview Preview/0.5",
        "python-requests/2.32.3",
        "curl/8.5.0",
        "Go-http-client/1.1",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/131.0.0.0 Safari/537.36",
    ],
)
def test_programs_that_name_themselves(agent: str) -> None:
    assert sign_of("GET", {"user-agent": agent}) == AGENT


def test_no_user_agent_at_all() -> None:
    assert sign_of("GET", {}) == AGENT
