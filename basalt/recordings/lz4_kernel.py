"""A block of LZ4, unpacked; compiled. Imported only where it is called, since numba takes a while to load."""

import numba


@numba.njit(cache=True)
def unpack(packed, out, at):  # type: ignore[no-untyped-def]
    """Unpack one block behind what `out` holds up to `at`: the new end, or −1 if the block is damaged.

    A sequence is a byte of two lengths (longer ones go on in further bytes), literals, and a copy of what was unpacked
    up to 64 KiB before; the last one has no copy.

    Source: github.com/lz4/lz4, doc/lz4_Block_format.md.
    """
    here, size, most = 0, len(packed), len(out)
    while here < size:
        token = packed[here]
        here += 1
        length = int(token >> 4)
        if length == 15:
            more = 255
            while more == 255:
                if here >= size:
                    return -1
                more = int(packed[here])
                here += 1
                length += more
        if here + length > size or at + length > most:
            return -1
        for i in range(length):
            out[at + i] = packed[here + i]
        here, at = here + length, at + length
        if here == size:
            return at
        if here + 2 > size:
            return -1
        back = int(packed[here]) | int(packed[here + 1]) << 8
        here += 2
        length = int(token & 15)
        if length == 15:
            more = 255
            while more == 255:
                if here >= size:
                    return -1
                more = int(packed[here])
                here += 1
                length += more
        length += 4
        if back == 0 or back > at or at + length > most:
            return -1
        for i in range(length):
            out[at + i] = out[at + i - back]
        at += length
    return -1
