"""``clarion demo``: the main job on this machine, with 10,000 invented people."""
