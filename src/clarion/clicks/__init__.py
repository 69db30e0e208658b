"""Clicks on the links of messages: tracked links, who clicked them, and how many did."""
