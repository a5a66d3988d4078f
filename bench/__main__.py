"""Run all benchmarks: python -m bench."""

import os
import time

from bench import bench_chat, bench_data, bench_fleet, bench_intel, bench_kit, servers


def busy_with() -> str:
    """Return a word of warning where other work would distort the figures, else nothing."""
    if not hasattr(os, "getloadavg"):
        return ""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load < 0.5 * processors:
        return ""
    return f"The machine is busy (load {load:.1f} on {processors} processors): times and tails below are distorted.\n"


def main() -> None:
    """Run them one after another; nothing else should run on the machine meanwhile."""
    began = time.monotonic()
    if busy := busy_with():
        print(busy)
    bench_kit.run()
    bench_kit.run("threading")
    bench_fleet.run()
    servers.run()
    bench_data.run()
    bench_chat.run()
    bench_intel.run()
    print(f"\nall in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
