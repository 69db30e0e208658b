"""Formatted texts of chats: read as platforms read them, escaped, shown, and made plain.

Two formats: ``chat_html``, a few elements with line breaks as they are written, and ``markdownv2``.
Both are those of Bot APIs (see docs/decisions/0097-formats.md).
"""
