"""What browser tests do on every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.test import Client
from playwright.sync_api import Page, expect

from clarion.accounts.models import Agent
from support.chromium import axe

EMAIL, PASSWORD = "ada@clarion.example", "correct horse"


@dataclass
class Site:
    """A running server, and a window that is logged in to it."""

    url: str
    page: Page

    def open(self, path: str) -> Page:
        """Go to a page."""
        self.page.goto(self.url + path)
        return self.page


def add_admin() -> Agent:
    """The agent whom ``log_in`` logs in."""
    return Agent.objects.create_agent(
        name="Ada Lovelace", email=EMAIL, role="admin", password=PASSWORD
    )


def log_in(page: Page, url: str) -> Site:
    """Log in by hand."""
    page.goto(url)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    return Site(url, page)


def enter(page: Page, url: str, agent: Agent) -> Site:
    """Be logged in as this agent, without the log-in page."""
    client = Client()
    client.force_login(agent)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": url}])
    return Site(url, page)


def look(page: Page) -> None:
    """Check a page as it is: accessible in light and dark, and no wider than a phone."""
    page.evaluate(_SWITCH, "dark")
    axe(page, only=("color-contrast",))  # all that another theme changes
    page.evaluate(_SWITCH, "light")
    axe(page)
    with _phone(page):
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{page.url} is {wide} pixels wider than a phone"


def resize(page: Page, width: int, height: int) -> None:
    """Give the window another size, and wait until the page has it."""
    page.set_viewport_size({"width": width, "height": height})
    # A function: the Content-Security-Policy lets no text be evaluated a second time.
    page.wait_for_function(f"() => innerWidth === {width} && innerHeight === {height}")


# Colours fade into one another; what is checked is where they end. One that ends may begin others,
# and those without an end are let go on.
_SWITCH = """theme => {
    document.documentElement.setAttribute("data-theme", theme);
    const fading = () => document.getAnimations().filter(animation =>
        animation.playState !== "finished"
        && Number.isFinite(animation.effect.getComputedTiming().endTime));
    for (let going = fading(); going.length; going = fading()) {
        for (const animation of going) animation.finish();
    }
}"""


@contextmanager
def _phone(page: Page) -> Iterator[None]:
    resize(page, 390, 844)
    try:
        yield
    finally:
        resize(page, 1280, 800)
