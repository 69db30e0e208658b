"""The templates that every simulated WhatsApp Business account has, as Meta lists them."""

from typing import Any

MOST = 100  # of one page


def _template(name: str, status: str, *components: dict[str, Any], **more: Any) -> dict[str, Any]:
    quality = {"score": more.pop("quality", "UNKNOWN")}
    return {
        "name": name,
        "language": "en",
        "status": status,
        "category": "MARKETING",
        "quality_score": quality,
        "components": list(components),
        **more,
    }


def _body(text: str) -> dict[str, Any]:
    return {"type": "BODY", "text": text}


TEMPLATES = [
    _template("hello", "APPROVED", _body("Welcome to our shop."), category="UTILITY"),
    _template(
        "spring_sale",
        "APPROVED",
        {"type": "HEADER", "format": "TEXT", "text": "Spring sale"},
        _body("Hello {{1}}, you get {{2}} off until Sunday."),
        {"type": "FOOTER", "text": "Reply STOP to opt out"},
        quality="GREEN",
    ),
    _template(
        "new_collection",
        "APPROVED",
        {"type": "HEADER", "format": "IMAGE"},
        _body("{{1}}, our new collection is here."),
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Look", "url": "https://shop.example/{{1}}"},
                {"type": "COPY_CODE", "text": "Copy code"},
                {"type": "QUICK_REPLY", "text": "No more"},
            ],
        },
        quality="YELLOW",
    ),
    _template("spring_paused", "PAUSED", _body("Hello {{1}}"), quality="RED"),
    _template("spring_rejected", "REJECTED", _body("Win a prize!")),
]


def templates_page(query: dict[str, str]) -> dict[str, Any]:
    """The page that a query asks for."""
    limit, after = query.get("limit", ""), query.get("after", "")
    size = min(int(limit) if limit.isdecimal() else 25, MOST)
    start = int(after) if after.isdecimal() else 0
    numbered = [{**each, "id": str(900 + n)} for n, each in enumerate(TEMPLATES)]
    end = start + size
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
    if end < len(numbered):
        paging["next"] = f"https://graph.facebook.com/next?after={end}"
    return {"data": numbered[start:end], "paging": paging}
