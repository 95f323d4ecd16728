"""Copies: a feature branch's own deployment beside the environment that allows them."""
