"""What broadcasts have done, read back: for pages and the command line. It writes nothing."""
