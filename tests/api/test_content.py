"""Stories and media."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from api.conftest import Program
from api.test_foundation import problem
from clarion.accounts.models import AuditEntry
from clarion.content.models import StoryVersion

TEXT = {"kind": "text", "text": "Hello {{ contact.name }}"}
HOOK = {"kind": "webhook", "url": "https://shop.example/ask", "secret": "a-long-enough-secret"}


def test_a_story_is_written_changed_and_archived(call: Program) -> None:
    made = call("POST", "/stories", {"name": "Welcome", "blocks": [TEXT]})
    path = made["Location"].removeprefix("/api/v1")
    assert json.loads(made.content)["version"] == 1

    blocks = [TEXT, {"kind": "text", "text": "Bye"}]
    saved = call.ok("PATCH", path, {"blocks": blocks}, If_Match=made["ETag"])
    assert (saved["version"], len(saved["blocks"])) == (2, 2)
    assert call("PATCH", path, {"blocks": [TEXT]}, If_Match=made["ETag"]).status_code == 412
    assert call.ok("GET", "/stories?q=welc")["items"][0]["name"] == "Welcome"
    shown = call.ok("GET", f"{path}/preview")["blocks"]
    assert shown[0]["text"] == "Hello ‹contact.name›"
    assert call.ok("POST", f"{path}/duplicate")["name"] == "Welcome (copy)"
    assert call.ok("POST", f"{path}/archive")["archived"]
    assert not call.ok("POST", f"{path}/restore")["archived"]


def test_faults_name_block_and_field(call: Program) -> None:
    blocks = [TEXT, {"kind": "text", "text": ""}, {"kind": "image", "media": "nothing12345"}]
    answer = call("POST", "/stories", {"name": "7", "blocks": blocks})
    fields = {error["field"] for error in problem(answer)["errors"]}
    assert {"name", "blocks.1.text"} <= fields


def test_the_secret_of_a_webhook_is_kept_and_never_shown(call: Program) -> None:
    made = call("POST", "/stories", {"name": "Ask", "blocks": [HOOK, TEXT]})
    assert made.status_code == 201, made.content
    assert HOOK["secret"].encode() not in made.content
    path = made["Location"].removeprefix("/api/v1")
    call.ok("PATCH", path, {"name": "Ask again"}, If_Match="*")
    sealed = StoryVersion.objects.order_by("-number")[0].blocks[0]["sealed"]
    assert sealed
    assert sealed not in json.dumps(call.ok("GET", path))


def test_an_upload_is_repeated_with_another_boundary(call: Program) -> None:
    def sent(boundary: str, content: str) -> HttpResponse:
        part = 'Content-Disposition: form-data; name="file"; filename="a.txt"'
        body = f"--{boundary}\r\n{part}\r\n\r\n{content}\r\n--{boundary}--\r\n"
        return call.client.generic(
            "POST", "/api/v1/media", body, f"multipart/form-data; boundary={boundary}",
            headers={"Authorization": f"Bearer {call.token}", "Idempotency-Key": "k"},
        )  # fmt: skip

    first, again = sent("first", "Hello"), sent("second", "Hello")
    assert (first.status_code, again.status_code) == (201, 201), again.content
    assert again.content == first.content
    assert problem(sent("third", "Bye"))["code"] == "key_reused"


def test_a_file_is_uploaded(call: Program) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 40
    answer = call.client.post(
        "/api/v1/media",
        {"file": SimpleUploadedFile("logo.png", png, "image/png")},
        headers={"Authorization": f"Bearer {call.token}"},
    )
    assert answer.status_code == 201, answer.content
    upload = answer.json()
    assert (upload["name"], upload["size"]) == ("logo.png", len(png))
    assert call.ok("GET", f"/media/{upload['token']}") == upload
    assert call("GET", "/media/nothing").status_code == 404
    block = {"kind": "image", "media": upload["token"]}
    assert call.ok("POST", "/stories", {"name": "Picture", "blocks": [block]})
    wrong = call("POST", "/media", {"file": "x"})
    assert problem(wrong)["code"] == "unsupported_media_type"


def test_layouts_are_created_changed_shown_and_deleted(call: Program) -> None:
    made = call("POST", "/layouts", {"name": "Shop", "address": "Bonn", "is_default": True})
    path = made["Location"].removeprefix("/api/v1")
    assert "{{ content }}" in json.loads(made.content)["html"]
    assert "Bonn" in call.ok("GET", f"{path}/preview")["html"]
    assert call("PATCH", path, {"name": "X"}).status_code == 428

    changed = call("PATCH", path, {"html": "<b>{{ content }}</b>"}, If_Match=made["ETag"])
    assert json.loads(changed.content) == {
        "id": json.loads(made.content)["id"], "name": "Shop", "html": "<b>{{ content }}</b>",
        "address": "Bonn", "is_default": True,
    }  # fmt: skip
    assert call("PATCH", path, {"name": "X"}, If_Match=made["ETag"]).status_code == 412
    wrong = problem(call("PATCH", path, {"html": "no content"}, If_Match=changed["ETag"]))
    assert "The layout shows no content" in wrong["detail"]

    call.ok("POST", "/layouts", {"name": "Another", "is_default": True})
    assert "There is a layout" in problem(call("POST", "/layouts", {"name": "Shop"}))["detail"]
    listed = call.ok("GET", "/layouts")["items"]
    assert [(item["name"], item["is_default"]) for item in listed] == [
        ("Another", True), ("Shop", False),
    ]  # fmt: skip
    notes = AuditEntry.objects.filter(action__startswith="layout.").order_by("pk")
    assert call("DELETE", path, If_Match="*").status_code == 204
    assert call("GET", path).status_code == 404
    actions = ["layout.create", "layout.edit", "layout.create", "layout.delete"]
    assert list(notes.values_list("action", flat=True)) == actions
