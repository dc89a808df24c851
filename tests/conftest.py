"""Puts this folder on the path, so that tests share what lies in it."""
