"""The numbers over time, beside what the rows say."""

from clarion.broadcasts.models import Broadcast
from clarion.kit import clock, db
from clarion.records import measures
from clarion.records.measures import Numbers
from clarion.records.models import Measure, MeasureDelta


def assert_measured(broadcast: Broadcast) -> None:
    """The numbers over time add up to what the rows say, on every channel; none is negative."""
    counted: dict[int, Numbers] = {}
    for channel, state, recovered in db.fetch(
        "SELECT channel_id, state, recovered FROM records_delivery WHERE broadcast_id = %s",
        [broadcast.pk],
    ):
        is_in = [state in states for states in measures.STATES.values()]
        is_in[-1] = is_in[-1] and bool(recovered)
        counted[channel] = counted.get(channel, Numbers()).plus(Numbers(*map(int, is_in)))
    nothing = Numbers()
    measured = {key: each for key, each in measures.totals(broadcast.pk).items() if any(each)}
    assert measured == {key: each for key, each in counted.items() if each != nothing}
    quarters: dict[tuple[int, int], Numbers] = {}
    for model in (Measure, MeasureDelta):
        for row in model.objects.filter(broadcast=broadcast):
            at = clock.to_us(row.at)
            key = (row.channel_id, at - at % measures.QUARTER)
            numbers = Numbers(*(getattr(row, name) for name in measures.NAMES))
            quarters[key] = quarters.get(key, nothing).plus(numbers)
    assert all(number >= 0 for numbers in quarters.values() for number in numbers)
