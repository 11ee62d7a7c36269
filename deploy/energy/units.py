"""The units that price tables may use, in SI."""

JOULE: dict[str, float] = {"fJ": 1e-15, "pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6}
"""Energy of one action."""

SECOND: dict[str, float] = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}
"""Duration of one action."""

WATT_PER_KIB: dict[str, float] = {"nW/KiB": 1e-9, "uW/KiB": 1e-6, "mW/KiB": 1e-3}
"""Static power of a kibibyte of memory."""

BITS_PER_KIB = 8 * 1024
