"""Web Push: notifications of browsers, over the push service of each browser."""
