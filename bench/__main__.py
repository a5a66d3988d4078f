"""Run all benchmarks: python -m bench."""

import time

from bench import bench_kit, servers


def main() -> None:
    """Run them one after another; nothing else should run on the machine meanwhile."""
    began = time.monotonic()
    bench_kit.run()
    servers.run()
    print(f"\nall in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
