"""SMS through an SMSC, over SMPP 3.4."""
