"""What all kinds of e-mail share: addresses, and building a message. No kind by itself."""
