"""Networks drawn, run and exported by the frameworks themselves, which `basalt import` is held to."""
