"""Numbers as a reader wants them: three digits, SI units, thousands apart."""

import math

PREFIXES = {0: "", -3: "m", -6: "µ", -9: "n", -12: "p", -15: "f", 3: "k", 6: "M", 9: "G"}


def si(value: float, unit: str) -> str:
    """1.234e-6, "J" → "1.23 µJ"."""
    prefix, scale = si_scale(value)
    return f"{digits(value / scale)} {prefix}{unit}"


def si_plain(value: float, unit: str) -> str:
    """The same without trailing zeros, for what is given and not measured: 0.005, "s" → "5 ms"."""
    prefix, scale = si_scale(value)
    return f"{value / scale:.3g} {prefix}{unit}"


def si_scale(value: float) -> tuple[str, float]:
    """The prefix that brings `value` to between 1 and 1000, and its factor."""
    if value == 0 or not math.isfinite(value):
        return "", 1.0
    # Three digits first, so that 999.96 becomes 1.00 of the next prefix.
    exponent = math.floor(math.log10(float(f"{abs(value):.2e}")) / 3) * 3
    exponent = min(max(exponent, min(PREFIXES)), max(PREFIXES))
    return PREFIXES[exponent], float(10.0**exponent)


def digits(value: float) -> str:
    """Three significant digits, without an exponent, thousands apart: 0.0123, 1.23, 12.3, 123, 1 234."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(2 - math.floor(math.log10(float(f"{abs(value):.2e}"))), 0)
    return whole(value) if decimals == 0 else f"{value:.{decimals}f}"


def whole(value: float) -> str:
    """1234567 → "1 234 567", with narrow spaces that do not break."""
    return f"{round(value):,}".replace(",", "\u202f")


def percent(fraction: float) -> str:
    """0.9765 → "97.65 %", and two digits at least of what is small."""
    value = 100 * fraction
    return f"{value:.2f} %" if value >= 0.1 or value == 0 else f"{value:.1g} %"


def share(fraction: float) -> str:
    """A part of a whole: 0.034 → "3.4 %", 0.51 → "51 %"."""
    value = 100 * fraction
    if 0 < value < 0.1:
        return "< 0.1 %"
    return f"{value:.0f} %" if value >= 9.95 or value == 0 else f"{value:.1f} %"


def seconds(value: float) -> str:
    """Durations: "3.21 s", "4 min 05 s", "300 ms"."""
    if value < 120:
        return si(value, "s")
    return f"{int(value // 60)} min {int(value % 60):02d} s"
