"""Discord: a bot, over the HTTP API and the Interactions endpoint."""
