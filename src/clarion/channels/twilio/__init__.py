"""Twilio: SMS and MMS, over its Messaging API."""
