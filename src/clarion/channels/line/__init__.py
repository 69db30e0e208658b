"""LINE: a LINE Official Account, over the Messaging API."""
