"""Why a memory current that is held for many steps makes for better accuracy (docs/holding.md)."""
