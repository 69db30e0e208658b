from clarion.records.causes import causes
from records import build


def test_causes_with_their_numbers(db):
    channel = build.channel()
    broadcast, other = build.broadcast(), build.broadcast()
    blocked, busy = build.reason("Blocked.", "403"), build.reason("Busy.", "500")
    late = build.reason("Told later.", "131026")
    people = build.people(channel, "abcd")
    # Failed twice for the same cause; recovered after one error; failed later; in doubt.
    twice = build.delivery(broadcast, people[0], "failed", reason=busy)
    build.record(twice, because=busy, attempt=1)
    build.record(twice, because=busy, attempt=2)
    recovered = build.delivery(broadcast, people[1], "sent")
    build.record(recovered, because=busy)
    build.record(recovered, attempt=2)
    build.record(build.delivery(broadcast, people[2], "failed", reason=late))
    in_doubt = build.delivery(broadcast, people[3], "in_doubt", reason=blocked)
    build.record(in_doubt, because=blocked)
    build.record(build.delivery(other, people[0], "failed", reason=blocked), because=blocked)

    found = causes(broadcast.pk)

    assert [(cause.text, cause.code, cause.errors, cause.people) for cause in found] == [
        ("Busy.", "500", 3, 1),
        ("Blocked.", "403", 1, 1),
        ("Told later.", "131026", 0, 1),
    ]
    assert found[0].id == busy.pk


def test_no_errors_no_causes(db):
    assert causes(build.broadcast().pk) == []
