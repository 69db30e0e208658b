"""``clarion bench``: how fast this machine sends, against a bare loop that keeps nothing."""
