"""Telegram: a bot, over the Bot API."""
