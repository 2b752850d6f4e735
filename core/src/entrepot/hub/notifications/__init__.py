"""Telling people what happened to a customer: in the console and by mail."""
