#!/usr/bin/env python3
"""Makes crates/promise/data/holidays.txt from the Python library `holidays` (MIT), which computes public holidays by rule.

    pip install holidays && tools/make_holidays.py

A line for each country: its code and the days of its public holidays. A line for each subdivision that differs: its code, the
days it has besides (+) and those it has not (-). Subdivisions that don't differ are listed with their code alone.
"""
import pathlib
import holidays

COUNTRIES = """AR AT AU BE BG BR CA CH CL CN CO CZ DE DK EE ES FI FR GB GR HK HR HU IE IL IN IS IT JP KR LT LU LV MX MY NL NO NZ
PE PH PL PT RO RS SE SG SI SK TH TR TW UA US VN ZA""".split()
YEARS = range(2025, 2033)

lines = [f"# Public holidays {YEARS[0]} to {YEARS[-1]}, made by tools/make_holidays.py with holidays {holidays.__version__}"]
for country in COUNTRIES:
    whole = set(holidays.country_holidays(country, years=YEARS))
    lines.append(f"{country} {' '.join(map(str, sorted(whole)))}")
    for part in holidays.country_holidays(country).subdivisions:
        own = set(holidays.country_holidays(country, subdiv=part, years=YEARS))
        more = [f"+{d}" for d in sorted(own - whole)] + [f"-{d}" for d in sorted(whole - own)]
        lines.append(" ".join([f"{country}-{part.replace(' ', '_')}", *more]))
target = pathlib.Path(__file__).parent.parent / "crates/promise/data/holidays.txt"
target.write_text("\n".join(lines) + "\n", encoding="utf-8")
print(f"{len(lines) - 1} calendars, {target.stat().st_size} bytes")
