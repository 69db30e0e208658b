"""Instagram: a professional account that answers people, over Meta's Send API."""
