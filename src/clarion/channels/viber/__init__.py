"""Viber: a bot, over the REST API of Rakuten Viber."""
