"""Vonage: SMS, over its Messages API."""
