"""Webhooks: messages to any program that takes a POST."""
