"""The suppression list: addresses, and patterns of addresses, to which nothing is sent."""
