"""`make setup` and `make lock`: the packages.

It runs before there is a virtual environment, so it imports nothing but the standard library.
"""
