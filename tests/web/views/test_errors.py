"""The page of every error: one template, in the frame where somebody is logged in."""

import pytest
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from clarion.accounts.models import Role
from clarion.urls import (
    handler400,
    handler403,
    handler404,
    handler429,
    handler500,
)
from clarion.urls import (
    urlpatterns as real,
)
from support import factory
from web.conftest import LogIn

pytestmark = pytest.mark.django_db
__all__ = ["handler400", "handler403", "handler404", "handler429", "handler500"]


def breaks(request: HttpRequest) -> None:
    """A view with a fault."""
    raise ZeroDivisionError


def refuses(request: HttpRequest) -> None:
    """A view that takes a request for an attack."""
    raise SuspiciousOperation


urlpatterns = [path("breaks/", breaks), path("refuses/", refuses), *real]


def test_404_keeps_the_navigation_and_says_when_broadcasts_are_deleted(admin: Client) -> None:
    page = admin.get("/broadcasts/999999/")

    html = page.content.decode()
    assert page.status_code == 404
    assert "Page not found" in html
    assert "deleted 90 days after they have finished" in html
    assert 'aria-label="Main"' in html


def test_403_names_the_roles_and_whom_to_ask(log_in: LogIn) -> None:
    factory.agent("admin", "Grace")

    page = log_in(Role.VIEWER).get("/broadcasts/new/")

    html = page.content.decode()
    assert page.status_code == 403
    assert "Only senders, managers and admins can do this. Your role is viewer." in html
    assert "grace@clarion.example" in html
    assert 'aria-label="Main"' in html


@override_settings(ROOT_URLCONF=__name__)
def test_400(admin: Client) -> None:
    page = admin.get("/refuses/")

    assert page.status_code == 400
    assert "The server could not read this request" in page.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_500_needs_neither_the_session_nor_the_database(admin: Client) -> None:
    admin.raise_request_exception = False

    page = admin.get("/breaks/")

    assert page.status_code == 500
    assert "Something went wrong" in page.content.decode()
    assert 'aria-label="Main"' not in page.content.decode()


def test_a_form_without_its_token(admin: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin.cookies

    page = strict.post("/account/", {"time_zone": "UTC"})

    assert page.status_code == 403
    assert "Reload the page and try again" in page.content.decode()
    assert 'aria-label="Main"' in page.content.decode()


def test_429_leads_back_to_where_it_happened(rf: RequestFactory) -> None:
    from clarion.web.views import errors

    page = errors.too_many(rf.get("/account/login/?next=/records/"))

    assert page.status_code == 429
    assert 'href="/account/login/?next=/records/"' in page.content.decode()
