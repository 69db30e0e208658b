"""Charts of the numbers over time (insights/over_time.py): all, and each by channel."""

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clarion.insights.over_time import OverTime
from clarion.web.charts import TONES, Chart, Series, time_points

Text = str | Promise
MEASURES: dict[str, tuple[Text, str]] = {  # what each number is called, and its tone
    "sent": (gettext_lazy("Sent"), "1"),
    "delivered": (gettext_lazy("Delivered"), "3"),
    "read": (gettext_lazy("Read"), "4"),
    "failed": (gettext_lazy("Failed"), "bad"),
    "recovered": (gettext_lazy("Recovered"), "2"),
    "opened": (gettext_lazy("Opened"), "7"),
    "clicked": (gettext_lazy("Clicked"), "5"),
}
_CHANNELS = len(TONES) - 1  # that have a colour of their own; the others are one series


def measures_chart(name: str, title: str, over_time: OverTime) -> Chart:
    """The numbers over time, all channels together."""
    spans = over_time.spans
    series = [
        Series(str(words), over_time.column(measure), tone)
        for measure, (words, tone) in MEASURES.items()
        # Few broadcasts count what recipients do.
        if measure not in ("clicked", "opened") or getattr(over_time.total, measure)
    ]
    points = time_points(spans.starts, spans.step)
    return Chart(name, title, "line", _time_heading(), points, series)


def channel_charts(over_time: OverTime) -> list[Chart]:
    """Each number that is not 0 over time, by channel."""
    titles = {
        "sent": _("Sent by channel"),
        "delivered": _("Delivered by channel"),
        "read": _("Read by channel"),
        "failed": _("Failed by channel"),
        "recovered": _("Recovered by channel"),
        "opened": _("Opened by channel"),
        "clicked": _("Clicked by channel"),
    }
    return [
        _channels_chart(f"channels-{measure}", title, over_time, measure)
        for measure, title in titles.items()
        if over_time.knows(measure) and getattr(over_time.total, measure)
    ]


def _channels_chart(name: str, title: str, over_time: OverTime, measure: str) -> Chart:
    """One number by channel; beyond seven channels the smaller ones are one series."""
    spans = over_time.spans
    large, small = over_time.channels[:_CHANNELS], over_time.channels[_CHANNELS:]
    series = [
        Series(channel.channel.name, channel.column(measure), tone)
        for channel, tone in zip(large, TONES, strict=False)
    ]
    if small:
        words = _("%d other channels") % len(small)
        series.append(Series(words, OverTime(spans, small).column(measure), TONES[-1]))
    points = time_points(spans.starts, spans.step)
    return Chart(name, title, "stack", _time_heading(), points, series)


def _time_heading() -> str:
    return _("Time (%s)") % timezone.get_current_timezone_name()
