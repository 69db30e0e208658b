"""The links of broadcasts, each target kept once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from clarion.clicks.models import OPENED
from clarion.kit import db


@dataclass(frozen=True, slots=True)
class NumberedLink:
    """A link of a broadcast."""

    id: int
    target: str


def number_links(broadcast_id: int, targets: Iterable[str]) -> Mapping[str, int]:
    """The id of each target, which is a link of this broadcast from now on.

    May be called at any time in any number of processes, and again.
    """
    digests = {sha256(target.encode("utf-8", "replace")).hexdigest(): target for target in targets}
    if not digests:
        return {}
    with db.write():
        db.execute(
            "INSERT INTO clicks_link (digest, target) SELECT v.digest, v.target FROM "
            f"{db.json_table([('digest', 'text'), ('target', 'text')])} WHERE true "
            "ON CONFLICT (digest) DO NOTHING",
            [db.json_param(sorted(digests.items()))],
        )
        rows = db.fetch(
            f"SELECT id, digest FROM clicks_link WHERE digest {db.in_list('text')}",
            [db.json_param([digest] for digest in digests)],
        )
        db.execute(
            "INSERT INTO clicks_broadcastlink (broadcast_id, link_id) SELECT v.broadcast, v.link "
            f"FROM {db.json_table([('broadcast', 'int'), ('link', 'int')])} WHERE true "
            "ON CONFLICT (broadcast_id, link_id) DO NOTHING",
            [db.json_param(sorted((broadcast_id, link) for link, _ in rows))],
        )
    return {digests[digest]: link for link, digest in rows}


def count_opens(broadcast_id: int) -> None:
    """Let the opens of a broadcast's e-mails be counted from now on. May be called again."""
    with db.write():
        db.execute(
            "INSERT INTO clicks_broadcastlink (broadcast_id, link_id) VALUES (%s, %s)"
            " ON CONFLICT (broadcast_id, link_id) DO NOTHING",
            [broadcast_id, OPENED],
        )


def target_of(link_id: int) -> str | None:
    """Where a link leads; None for one that is not there."""
    rows = db.fetch("SELECT target FROM clicks_link WHERE id = %s", [link_id])
    return rows[0][0] if rows else None


def links_of(broadcast_ids: Sequence[int]) -> list[NumberedLink]:
    """All links of these broadcasts, by id."""
    rows = db.fetch(
        "SELECT DISTINCT l.id, l.target FROM clicks_broadcastlink AS b JOIN clicks_link AS l"
        f" ON l.id = b.link_id WHERE b.broadcast_id {db.in_list()} ORDER BY l.id",
        [db.json_param([key] for key in broadcast_ids)],
    )
    return [NumberedLink(*row) for row in rows]
