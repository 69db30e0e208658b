"""Downloads leave while they are being made."""

from pathlib import Path

from clarion.web.stream import download, pieces


def test_a_download_is_made_while_it_is_read() -> None:
    made: list[int] = []
    response = download((made.append(n) or b"%d" % n for n in range(9)), "all.csv")

    assert response.streaming
    assert next(iter(response)) == b"0"
    assert made == [0]
    assert response["Content-Disposition"] == 'attachment; filename="all.csv"'
    assert response["Cache-Control"] == "no-store"


def test_a_file_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "big"
    file.write_bytes(b"x" * 200_000)

    assert [len(piece) for piece in pieces(file)] == [65_536, 65_536, 65_536, 3_392]
