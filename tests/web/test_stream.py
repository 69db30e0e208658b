"""Downloads leave while they are being made."""

from pathlib import Path

import pytest

from clarion.accounts.models import AuditEntry
from clarion.web.stream import download, stored_file
from support import factory


def test_a_download_is_made_while_it_is_read() -> None:
    made: list[int] = []
    response = download((made.append(n) or b"%d" % n for n in range(9)), "all.csv")

    assert response.streaming
    assert next(iter(response)) == b"0"
    assert made == [0]
    assert response["Content-Disposition"] == 'attachment; filename="all.csv"'
    assert response["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_a_stored_file_leaves_in_pieces_and_is_in_the_audit_log(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"x" * 200_000)
    agent = factory.agent()

    response = stored_file(file, "rejected.csv", "rejected lines of import 7", agent)

    assert [len(piece) for piece in response] == [65_536, 65_536, 65_536, 3_392]
    entry = AuditEntry.objects.get(action="data.export")
    assert (entry.subject, entry.agent) == ("rejected lines of import 7", agent)
