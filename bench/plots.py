"""Draws a comparison's results: one SVG that needs nothing else."""
from html import escape
from statistics import median

COLORS = ["#2f6fab", "#d1782a", "#9a9a9a", "#3f9b5a", "#a05195"]
WIDTH, LEFT, RIGHT = 900, 300, 130
BAR, GAP, HEAD = 13, 12, 34
STYLE = ("text{font:12px sans-serif;fill:#222}.h{font-weight:bold;font-size:14px}.n{fill:#555;font-size:11px}"
         ".w{stroke:#222;stroke-width:1}rect.b{fill:#fff}"
         "@media(prefers-color-scheme:dark){text{fill:#ddd}.n{fill:#aaa}.w{stroke:#ddd}rect.b{fill:#16181c}}")


def of(results, panels):
    """`panels`: title, name of the figure, its digits, and the workloads to show."""
    brokers = list(results["brokers"])
    parts, at = [], 20
    for place, kind in enumerate(brokers):
        title = results["brokers"][kind]
        parts.append(f'<rect x="16" y="{at}" width="12" height="12" fill="{color(place)}"/><text x="36" y="{at + 10}">{escape(title)}</text>')
        at += 18
    for title, figure, digits, names in panels:
        at += HEAD
        parts.append(f'<text class="h" x="16" y="{at - 8}">{escape(title)}</text>')
        for name in names:
            drawn, at = workload(results, name, figure, digits, at)
            parts += drawn
    at += 16
    parts.append(f'<text class="n" x="16" y="{at}">Bars: medians, as parts of the longest of their workload. Lines: from the smallest to the largest of the rounds.</text>')
    height = at + 14
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"><style>{STYLE}</style>'
            f'<rect class="b" width="{WIDTH}" height="{height}"/>{"".join(parts)}</svg>\n')


def workload(results, name, figure, digits, at):
    """The bars of one workload, and where the next one begins."""
    found = {kind: values(results, kind, name, figure) for kind in results["brokers"]}
    longest = max((value for some in found.values() for value in some), default=0)
    parts, top = [], at
    for place, (_kind, some) in enumerate(found.items()):
        if not some or not longest:
            continue
        def x(value):
            return LEFT + (WIDTH - LEFT - RIGHT) * value / longest
        middle, y = median(some), at + BAR / 2
        parts.append(f'<rect x="{LEFT}" y="{at}" width="{x(middle) - LEFT:.1f}" height="{BAR - 2}" fill="{color(place)}"/>'
                     f'<line class="w" x1="{x(min(some)):.1f}" x2="{x(max(some)):.1f}" y1="{y - 1}" y2="{y - 1}"/>'
                     f'<text x="{x(max(some)) + 6:.1f}" y="{y + 3}">{middle:,.{digits}f}</text>')
        at += BAR
    parts.append(f'<text x="{LEFT - 10}" y="{(top + at) / 2 + 4}" text-anchor="end">{escape(results["workloads"][name]["title"])}</text>')
    return parts, at + GAP


def values(results, kind, name, figure):
    runs = [entry["runs"].get(name, {}) for entry in results["rounds"] if entry["broker"] == kind]
    return [run[figure] for run in runs if figure in run]


def color(place):
    return COLORS[place % len(COLORS)]
