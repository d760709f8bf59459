"""Measurements, each compared with another way in the same run; `make bench` compares with others."""
