#!/usr/bin/env python3
"""What nodes send to find each other, as a plot (SVG) and a table (Markdown), from what `scenario --traffic` prints.

    for n in 10 100 1000; do build/scenario --traffic $n 150 >$n.txt; done
    scripts/plot-discovery.py 10.txt 100.txt 1000.txt >docs/guides/discovery.svg
    scripts/plot-discovery.py --table 10.txt 100.txt 1000.txt
"""

import math
import sys

FIRST, REST = (3, 60), (80, 150)  # seconds: of the first minute, and of what follows
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 380, 70, 20, 90, 50
COLOURS = ["#1b6ca8", "#c8553d", "#3d7a3d"]


class Run:
    def __init__(self, path):
        with open(path) as file:
            head, *lines = file.read().splitlines()
        words = head.split()[1:]
        self.said = dict(zip(words[::2], words[1::2]))
        self.nodes, self.size = int(self.said["nodes"]), int(self.said["bytes"])
        self.beacons = [int(line.split()[1]) for line in lines]

    def rate(self, between):
        part = self.beacons[between[0] : between[1]]
        return sum(part) / len(part)


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def table(runs):
    print("| nodes | a node sends, first minute | later | all together, first minute | later | all hear all after | genesis after | all are members after |")
    print("|---|---|---|---|---|---|---|---|")
    for run in runs:
        rates = [run.rate(FIRST), run.rate(REST)]
        each = [f"{number(rate / run.nodes)}/s, {number(rate / run.nodes * run.size)} B/s" for rate in rates]
        all_ = [f"{number(rate)}/s, {number(rate * run.size / 1000)} kB/s" for rate in rates]
        when = [run.said[name] + " s" for name in ("hear", "genesis", "members")]
        kept = int(run.said["kept"])
        if run.nodes > kept:
            when[0] += f" (each {kept} of them)"
        print("| " + " | ".join([number(run.nodes)] + each + all_ + when) + " |")


def plot(runs):
    last = max(len(run.beacons) for run in runs)
    top = math.ceil(math.log10(max(max(run.beacons) for run in runs)))
    across = lambda second: LEFT + second * (WIDTH - LEFT - RIGHT) / last
    up = lambda value: TOP + (top - math.log10(max(value, 0.5))) * (HEIGHT - TOP - BOTTOM) / (top + math.log10(2))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for power in range(top + 1):
        y = up(10**power)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>')
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y + 4:.1f}">{number(10**power * runs[0].size / 1000)} kB/s</text>')
    for second in range(0, last + 1, 30):
        out.append(f'<text x="{across(second):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{second}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">seconds since the first node was switched on</text>')
    out.append(f'<text x="16" y="{(HEIGHT - BOTTOM) / 2:.0f}" text-anchor="middle" transform="rotate(-90 16 {(HEIGHT - BOTTOM) / 2:.0f})">beacons in a second, all nodes</text>')
    for run, colour in zip(runs, COLOURS):
        points = " ".join(f"{across(second):.1f},{up(count):.1f}" for second, count in enumerate(run.beacons))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<text x="{across(30):.1f}" y="{up(run.rate(FIRST)) - 10:.1f}" fill="{colour}">{run.nodes:,} nodes</text>')
    print("\n".join(out + ["</svg>"]))


arguments = sys.argv[1:]
if not arguments or arguments[0] in ("-h", "--help"):
    print(__doc__.strip())
    sys.exit(0 if arguments else 2)
as_table = arguments[0] == "--table"
(table if as_table else plot)([Run(path) for path in arguments[as_table:]])
