"""Saved filters by programs."""

from api.conftest import Program
from clarion.accounts import saved_filters
from support import factory


def test_shared_filters_are_saved_listed_renamed_and_deleted(call: Program) -> None:
    saved_filters.save("logs", "Mine", "q=x", shared=False, by=factory.agent())
    made = call("POST", "/saved-filters", {"list": "records", "name": "A", "query": "status=error"})
    path = made["Location"].removeprefix("/api/v1")
    assert [item["name"] for item in call.ok("GET", "/saved-filters")["items"]] == ["A"]
    assert call.ok("GET", "/saved-filters?list=clicks")["items"] == []
    renamed = call("PATCH", path, {"name": "B"}, If_Match=made["ETag"])
    assert renamed.status_code == 200, renamed.content
    assert call("PATCH", path, {"name": "C"}, If_Match=made["ETag"]).status_code == 412
    assert call.ok("GET", path)["name"] == "B"
    assert (
        call(
            "POST", "/saved-filters", {"list": "logs", "name": "D", "query": "after=1"}
        ).status_code
        == 422
    )
    assert call("DELETE", path, If_Match="*").status_code == 204
    assert call("GET", path).status_code == 404
