"""WhatsApp: a business number, over Meta's Cloud API."""
