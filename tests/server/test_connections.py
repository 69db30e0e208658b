"""Who may stay connected, and who is closed for somebody else."""

from dataclasses import dataclass, field

from clarion.server.connections import Connections, Limits, client_of


@dataclass(eq=False)
class Fake:
    registry: Connections
    peer: str = "203.0.113.1"
    dropped: bool = field(default=False)
    late_from: float = float("inf")
    expired: bool = field(default=False)

    def drop(self) -> None:
        self.dropped = True
        self.registry.discard(self)

    def overdue(self, now: float) -> bool:
        return now >= self.late_from

    def expire(self) -> None:
        self.expired = True


def _joined(registry: Connections, *peers: str) -> list[Fake]:
    connections = [Fake(registry, peer) for peer in peers]
    for one in connections:
        registry.add(one)
    return connections


def test_a_newcomer_takes_the_place_of_who_waits_longest() -> None:
    registry = Connections(Limits(in_all=3, per_client=9))
    first, second, third = _joined(registry, "198.51.100.1", "198.51.100.2", "198.51.100.3")
    registry.works(first)
    (fourth,) = _joined(registry, "198.51.100.4")
    assert [one.dropped for one in (first, second, third, fourth)] == [False, True, False, False]
    registry.waits(first)  # it has been answered: now it waits, but for a shorter time than third
    _joined(registry, "198.51.100.5")
    assert third.dropped
    assert not first.dropped
    assert len(registry) == 3


def test_where_all_are_being_answered_the_newcomer_is_refused() -> None:
    registry = Connections(Limits(in_all=2))
    busy = _joined(registry, "198.51.100.1", "198.51.100.2")
    for one in busy:
        registry.works(one)
    (late,) = _joined(registry, "198.51.100.3")
    assert late.dropped
    assert not any(one.dropped for one in busy)


def test_one_client_gets_no_more_than_its_share() -> None:
    registry = Connections(Limits(in_all=100, per_client=2))
    first, second, third = _joined(registry, *["198.51.100.1"] * 3)
    (other,) = _joined(registry, "198.51.100.2")
    assert [one.dropped for one in (first, second, third, other)] == [True, False, False, False]
    for one in (second, third):
        registry.works(one)
    (fourth,) = _joined(registry, "198.51.100.1")
    assert fourth.dropped
    registry.discard(second)
    (fifth,) = _joined(registry, "198.51.100.1")
    assert not fifth.dropped


def test_a_trusted_proxy_speaks_for_many() -> None:
    registry = Connections(Limits(in_all=100, per_client=2), ["10.0.0.0/8", "::1"])
    assert not any(one.dropped for one in _joined(registry, *["10.1.2.3"] * 5, *["::1"] * 5))
    assert any(one.dropped for one in _joined(registry, *["11.1.2.3"] * 5))


def test_what_is_overdue_is_closed() -> None:
    registry = Connections(Limits())
    patient, late = _joined(registry, "198.51.100.1", "198.51.100.2")
    late.late_from = 10.0
    registry.sweep(9.9)
    assert not late.expired
    registry.sweep(10.0)
    assert late.expired
    assert not patient.expired


def test_an_ipv6_client_is_its_whole_network() -> None:
    assert client_of("2001:db8:1:2::1") == client_of("2001:db8:1:2:ffff::9")
    assert client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1")
    assert client_of("::ffff:203.0.113.9") == client_of("203.0.113.9") == "203.0.113.9"
    assert client_of("fe80::1%eth0") == "fe80::/64"
    assert client_of("") == ""
