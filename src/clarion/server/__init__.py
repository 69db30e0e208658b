"""The HTTP server: who may be connected for how long, and how large a request may be."""
