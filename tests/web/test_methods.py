"""Every address takes the methods that it is made for, and reading one changes nothing."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from web.conftest import PASSWORD, MakeAgent

ARGUMENTS = {"int": "1", "slug": "pause", "str": "x"}


def _paths(resolver: URLResolver, prefix: str = "/") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if str(pattern.pattern).startswith("api/"):  # see tests/api
            continue
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern, path)
        elif isinstance(pattern, URLPattern):
            for name, converter in pattern.pattern.converters.items():
                kind = type(converter).__name__.removesuffix("Converter").lower()
                kind = {"string": "str"}.get(kind, kind)
                path = path.replace(f"<{kind}:{name}>", ARGUMENTS[kind])
            yield path


def test_nothing_answers_a_method_that_it_is_not_made_for(
    client: Client, make_agent: MakeAgent
) -> None:
    client.force_login(make_agent("admin", PASSWORD))
    # Whoever is logged in is sent on from the log-in page, whatever the method.
    paths = [path for path in _paths(get_resolver()) if path != "/account/login/"]
    assert len(paths) > 60
    wrong = [
        (method, path, status)
        for path in paths
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS")
        if (status := client.generic(method, path).status_code) not in (404, 405)
    ]
    assert wrong == []


@pytest.mark.django_db
def test_the_log_in_page_takes_get_and_post_only(client: Client) -> None:
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        assert client.generic(method, "/account/login/").status_code == 405


@pytest.mark.parametrize("act", ["check", "register"])
def test_a_provider_is_asked_by_post_only(admin: Client, act: str) -> None:
    for method in ("GET", "HEAD", "PUT", "OPTIONS"):
        assert admin.generic(method, f"/channels/1/{act}").status_code == 405
