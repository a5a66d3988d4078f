"""Benchmarks: ratios against bare libraries, measured in the same run on the same machine. `make bench`."""
