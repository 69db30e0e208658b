"""Strict reading of CSV files: every fault is one sentence that names its place."""

import csv
import io
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.kit.csvfile import CELL_LIMIT, LINE_LIMIT, CsvError, CsvFile

EMPTY = "The file is empty. Choose a file with a header row and rows below it."


@pytest.fixture
def write(tmp_path: Path):
    def write(content: bytes | str) -> Path:
        path = tmp_path / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def read(path: Path) -> list[tuple[int, list[str]]]:
    return list(CsvFile(path).rows())


class TestGoodFiles:
    @pytest.mark.parametrize(
        ("content", "columns", "rows"),
        [
            ("id\n1\n2\n", ["id"], [(2, ["1"]), (3, ["2"])]),
            ("id\n1\n2", ["id"], [(2, ["1"]), (3, ["2"])]),
            ("\ufeffid,name\r\n1,Ada\r\n", ["id", "name"], [(2, ["1", "Ada"])]),
            ('"id","a ""b"""\n"1","x, y"\n', ["id", 'a "b"'], [(2, ["1", "x, y"])]),
            ('id,note\n1,"two\nlines"\n\n2,"a\r\nb"\n3,c\n', ["id", "note"], [
                (2, ["1", "two\nlines"]),
                (5, ["2", "a\r\nb"]),
                (7, ["3", "c"]),
            ]),
            ("id;x,y\n1;2\n", ["id;x", "y"], [(2, ["1;2"])]),
            ("id;name;x\n1;Smith, J;2\n", ["id", "name", "x"], [(2, ["1", "Smith, J", "2"])]),
            ("id\tname\n1\tAda\n", ["id", "name"], [(2, ["1", "Ada"])]),
            ('"a,b";"c,d"\n1;2\n', ["a,b", "c,d"], [(2, ["1", "2"])]),
            ("id,x\r1,a\r2,b\r", ["id", "x"], [(2, ["1", "a"]), (3, ["2", "b"])]),
            ("id\n", ["id"], []),
            ("sep=;\nid;x,y\n1;2\n", ["id", "x,y"], [(3, ["1", "2"])]),
            ('\ufeff"sep=,"\r\nid,x;y;z\r\n1,2\r\n', ["id", "x;y;z"], [(3, ["1", "2"])]),
            ("sep=\t\nid\tx\n1\t2\n", ["id", "x"], [(3, ["1", "2"])]),
            ("id;name;;;\n1;Ada;;;\n2;Bob; ;;\n3;Cy\n", ["id", "name"], [
                (2, ["1", "Ada"]), (3, ["2", "Bob"]), (4, ["3", "Cy"]),
            ]),
            ("id;name;;\n1;Ada;x;\n", ["id", "name"], [(2, ["1", "Ada", "x", ""])]),
            (";;\nid;name\n;\n1;Ada\n ; \n;\n", ["id", "name"], [(4, ["1", "Ada"])]),
            ("\ufeff\ufeffid,name\n1,Ada\n", ["id", "name"], [(2, ["1", "Ada"])]),
            ("Имя,城市\nЗоя,北京\n", ["Имя", "城市"], [(2, ["Зоя", "北京"])]),
        ],
    )  # fmt: skip
    def test_reads(self, write, content: str, columns: list[str], rows: list) -> None:
        path = write(content)
        assert CsvFile(path).columns == columns
        assert read(path) == rows

    def test_says_which_delimiter(self, write) -> None:
        assert CsvFile(write("a;b\n")).delimiter_name == "semicolon"
        assert CsvFile(write("a\tb\n")).delimiter_name == "tab"
        assert CsvFile(write("a\n")).delimiter_name == "comma"

    def test_may_be_gone_through_again_and_tells_how_far_it_is(self, write) -> None:
        path = write("id\n" + "".join(f"{number}\n" for number in range(1_000_000)))
        file = CsvFile(path)
        rows = file.rows()
        next(rows)
        assert 0 < file.position < file.size
        assert sum(1 for _ in rows) == 999_999
        assert file.position == file.size == path.stat().st_size
        assert next(file.rows()) == (2, ["0"])

    @given(st.lists(st.lists(st.text(
        st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")),
        min_size=2, max_size=2), max_size=8))  # fmt: skip
    def test_reads_what_the_csv_module_writes(self, tmp_path_factory, table) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["id", "x"], *table])
        path = tmp_path_factory.mktemp("csv") / "x.csv"
        path.write_bytes(text.getvalue().encode())
        assert [cells for _, cells in read(path)] == [
            cells for cells in table if any(map(str.strip, cells))
        ]


class TestFaults:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", EMPTY),
            (b"\xef\xbb\xbf", EMPTY),
            (b"sep=^\nid^x\n", ("The first line names “^” as the separator. Save the file with "
             "commas, semicolons or tabs.")),
            (b"sep=;\n", EMPTY),
            (b"id\r1\r2\r\xff\r", ("Line 4, byte 8 of the file: this is not UTF-8. "
             "Save the file as “CSV UTF-8”.")),
            (b"id\r1\r\n2\n3\0\n", "Line 4 has a NUL character. Save the file as CSV again."),
            (b"id\r1\r" + b"2\r" * 40_000 + b"\0", ("Line 40003 has a NUL character. Save the "
             "file as CSV again.")),
            (b"id,,x\n", "Column 2 has no title. Give every column one."),
            (b"id,x,x\n", "Two columns are called “x”. Rename one of them."),
            ("id\n1\nZoë\n".encode("latin-1"), ("Line 3, byte 8 of the file: this is not UTF-8. "
             "Save the file as “CSV UTF-8”.")),
            (b"id\n1\n\xe2\x82", ("Line 3, byte 6 of the file: this is not UTF-8. "
             "Save the file as “CSV UTF-8”.")),
            ("id\n1\n".encode("utf-16"), ("Line 1, byte 1: this is UTF-16, not UTF-8. "
             "Save the file as “CSV UTF-8”.")),
            (b"id,x\n1,a\n2,b\0\n", "Line 3 has a NUL character. Save the file as CSV again."),
            (b'id,x\n1,"a\n2,b\n3,c\n', 'Line 2 opens a quote (") that is never closed. Close it.'),
            (b'id,x\n1,"a"b\n', ("Line 2 has something between a closing quote and the end of the "
             'cell. Write a quote inside a cell twice ("").')),
            (b"id,x\n1," + b"y" * (CELL_LIMIT + 1), ("Line 2 has a cell of more than 65,536 "
             'characters. Shorten it, or close its quote (").')),
            (b"id,x\n1,2\n3," + b"y" * 10_000_000, ("Line 3 is longer than 1,048,576 characters. "
             'Shorten it, or close its quote (").')),
            (b'id,x\n1,"' + b"y\n" * 5_000_000, ("Line 2 has a cell of more than 65,536 "
             'characters. Shorten it, or close its quote (").')),
            (b'id,x\n1,"' + b'y","\n' * 5_000_000, ("Line 2 is longer than 1,048,576 characters. "
             'Shorten it, or close its quote (").')),
        ],
    )  # fmt: skip
    def test_is_one_sentence(self, write, content: bytes, sentence: str) -> None:
        path = write(content)
        with pytest.raises(CsvError) as failure:
            read(path)
        assert str(failure.value) == sentence

    def test_the_place_of_a_fault_is_right_beyond_the_first_block(self, write) -> None:
        """A character may be cut in two between blocks, at any of its bytes."""
        for shift in range(4):
            good = b"id\n" + b"x" * shift + "€\n".encode() * 40_000
            path = write(good + b"\xff\n")
            with pytest.raises(CsvError) as failure:
                read(path)
            assert f"Line 40002, byte {len(good) + 1:,} of the file" in str(failure.value)

    def test_a_million_columns_are_found_without_reading_them(self, write) -> None:
        path = write(",".join(f"c{number}" for number in range(1_000_000)))
        with pytest.raises(CsvError, match=r"has [\d,]+ columns or more; at most 500"):
            CsvFile(path)
        path = write(",".join(f"c{number}" for number in range(501)))
        with pytest.raises(CsvError, match="has 501 columns or more; at most 500"):
            CsvFile(path)

    @pytest.mark.parametrize("filler", [b"x", b"x\n", b'x","\n', b"x\r"])
    def test_a_line_without_end_takes_no_memory(self, write, filler: bytes) -> None:
        path = write(b'id,x\n1,"' + filler * (60_000_000 // len(filler)))
        tracemalloc.start()
        try:
            with pytest.raises(CsvError):
                read(path)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 20 * LINE_LIMIT
