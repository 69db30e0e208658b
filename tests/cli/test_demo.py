"""``clarion demo``, with fewer people, and the people that the repository carries."""

import csv
import os
import re
import runpy
import signal
import unicodedata
from pathlib import Path

import pytest

from clarion.cli.demo.folder import CARRIED, write_contacts
from support.processes import ROOT, Process, Processes, descendants, lives, status
from support.waiting import eventually

crash = pytest.mark.crash
WHOLE = 600  # seconds for all that a demo does


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"CLARION_DATA": str(tmp_path / "demo")}


@crash
def test_the_pages_stay_until_ctrl_c_and_a_second_run_begins_afresh(
    processes: Processes, env: dict[str, str]
) -> None:
    demo = processes.clarion("demo", "--people", "300", "--port", "0", env=env)
    url = demo.wait_for_line(r"Pages:   (http://\S+)", timeout=WHOLE)[1]
    demo.wait_for_line(r"Log in:  demo@clarion\.example, password \S{16}")
    demo.wait_for_line(r"Press Ctrl-C to stop\.")
    assert status(url) == 200
    demo.signal(signal.SIGINT)
    _assert_reconciled(demo, 300)

    demo = processes.clarion("demo", "--no-serve", "--people", "30", env=env)
    _assert_reconciled(demo, 30)
    listed = processes.run("broadcasts", "list", "--json", env=_of_demo(env))
    assert listed.output.count('"id":') == 1
    assert "A warm hello" in listed.output


@crash
def test_nothing_survives_a_killed_demo(processes: Processes, env: dict[str, str]) -> None:
    demo = processes.clarion("demo", "--people", "20", "--port", "0", env=env)
    demo.wait_for_line(r"Press Ctrl-C to stop\.", timeout=WHOLE)
    family = descendants(demo.pid)
    assert len(family) >= 4
    os.kill(demo.pid, signal.SIGKILL)
    eventually(lambda: not any(map(lives, family)), timeout=120, what="all have ended")


def test_a_folder_that_is_no_demo_is_left_alone(processes: Processes, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("ours")
    demo = processes.run("demo", "--no-serve", env={"CLARION_DATA": str(tmp_path)})
    assert demo.returncode == 1
    assert demo.lines == [
        (
            f"The folder {tmp_path} contains files that are not from a demo, so nothing was "
            "changed. "
            "Set CLARION_DATA to an empty folder, or unset it."
        )
    ]
    assert precious.read_text() == "ours"


def test_the_people_are_many_and_of_many_scripts() -> None:
    assert CARRIED.stat().st_size < 1_000_000
    with CARRIED.open(encoding="utf-8", newline="") as file:
        people = list(csv.DictReader(file))
    assert len(people) == 10_000
    assert len({person["id"] for person in people}) == 10_000
    letters = {letter for person in people for letter in person["name"] if letter.isalpha()}
    scripts = {unicodedata.name(letter).split()[0] for letter in letters}
    assert scripts >= {
        "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "CJK", "HIRAGANA",
        "HANGUL", "THAI", "GEORGIAN",
    }  # fmt: skip
    nameless = sum(not person["name"] for person in people)
    assert 100 < nameless < 400
    assert all(person["city"] and person["language"] for person in people)


def test_the_script_makes_the_same_people_again(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "make-demo-contacts"))
    script["main"].__globals__["TARGET"] = tmp_path / "contacts.csv"
    script["main"]()
    assert (tmp_path / "contacts.csv").read_bytes() == CARRIED.read_bytes()


@pytest.mark.parametrize("people", [1, 10_000, 20_001])
def test_any_number_of_people(tmp_path: Path, people: int) -> None:
    path = tmp_path / "contacts.csv"
    write_contacts(path, people)
    with path.open(encoding="utf-8", newline="") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    assert len(ids) == len(set(ids)) == people


def _assert_reconciled(demo: Process, people: int) -> None:
    assert demo.wait(WHOLE) == 0, demo.output
    assert f"{people} of {people} reconciled." in demo.lines
    accepted = f"The provider accepted messages for {people} people; 0 of them got it twice."
    assert accepted in demo.lines
    assert re.search(rf"rows: +expected {people} = sent {people} ", demo.output)
    assert "Traceback" not in demo.output


def _of_demo(env: dict[str, str]) -> dict[str, str]:
    database = Path(env["CLARION_DATA"]) / "clarion.sqlite3"
    return {**env, "CLARION_DATABASE_URL": f"sqlite:///{database}"}
