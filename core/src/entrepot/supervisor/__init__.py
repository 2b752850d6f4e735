"""The process that starts, watches and restarts all others of one hub."""
