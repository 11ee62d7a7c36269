"""Look an HDF5 file over before a value of it is read: it speaks for itself alone, and of sizes that fit.

HDF5 can reach into other files (external links and storage, virtual data sets), go round in circles, run plug-ins and
unpack to any size. All of that is in property lists and headers, so it is refused there. What remains is plain or
chunked data of numbers and texts, packed by gzip or lzf at most, inside the file.
"""

import zlib
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s, h5t, h5z

from basalt.chunks import unpacks
from basalt.errors import BasaltError
from basalt.opening import memory_limit, too_large
from basalt.shown import VALUE_LONGEST, shown

OBJECTS_MOST = 20_000
DEPTH_MOST = 16
NAME_LONGEST = 1024
ATTRIBUTES_MOST = 256
ATTRIBUTE_BYTES = 1 << 16
"""Of one attribute; HDF5 reads it whole."""
TEXTS_MOST = 16
"""Texts of a data set or attribute: each may be as long as the file, and all the same one."""
CHUNKS_MOST = 1 << 17
CHUNK_BYTES = 1 << 26
UNWRITTEN_BYTES = 1 << 20
"""Of a data set that nothing was stored of: there are none in real files, but of single values."""
SLACK = 64
"""Bytes that checksums add to a chunk."""
LZF_BYTES = 1 << 22
"""Of a stored chunk of lzf, which unpacks to at most 88 times as much."""

LZF = 32000
FILTERS = {
    h5z.FILTER_DEFLATE: "gzip",
    h5z.FILTER_SHUFFLE: "shuffle",
    h5z.FILTER_FLETCHER32: "fletcher32",
    LZF: "lzf",
}
LAYOUTS = (h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED)
NUMBERS = {h5t.INTEGER: (1, 2, 4, 8), h5t.FLOAT: (2, 4, 8), h5t.ENUM: (1, 2, 4, 8)}
"""Classes of numbers → their sizes in bytes."""
KEPT_BYTES, NARROW_BYTES = 8, 2
"""Of each value once it is read: 64 bits; of those of a matrix of weights."""


@dataclass(frozen=True)
class Content:
    """What an object holds.

    Attributes:
        objects: groups and data sets, by every way to them.
        bytes: that its values take.
        linked: there is a link in it, a soft one or a second name.
    """

    objects: int = 1
    bytes: int = 0
    linked: bool = False


@dataclass
class Look:
    """One look over one file.

    Attributes:
        path: of the file, for people.
        limit: bytes that all values may take.
        texts: that a data set may hold.
        matrices: names of data sets that `basalt/chunks.py` reads, which keep no more than 16 bits of a value.
        unpack: chunks of gzip, to see their size, except of those; without, chunks are not looked at.
        known: the contents of what was looked at, by address.
    """

    path: Path
    limit: int
    texts: int = TEXTS_MOST
    matrices: tuple[str, ...] = ()
    unpack: bool = True
    known: dict[object, Content] = field(default_factory=dict)

    def refuse(self, name: str, what: str) -> BasaltError:
        """The error to raise about an object."""
        return BasaltError(
            f"{self.path}: {shown(name, VALUE_LONGEST)!r} {what}; a file's own plain arrays alone are read: "
            f"write it again with those."
        )

    def group(self, group: h5g.GroupID, name: str, above: tuple[object, ...]) -> Content:
        """All that is in a group.

        Args:
            name: of the group, from the root.
            above: addresses of it and of the groups around it.
        """
        self.attributes(group, name)
        if len(above) > DEPTH_MOST:
            raise self.refuse(name, f"is nested deeper than {DEPTH_MOST} groups")
        if group.get_num_objs() > OBJECTS_MOST:
            raise self.refuse(name, f"holds more than {OBJECTS_MOST:,} objects")
        whole = Content()
        for key in group:
            place = f"{name}/{self.text(key, name)}"
            found = self.linked(group, key, place, above)
            whole = Content(whole.objects + found.objects, whole.bytes + found.bytes, whole.linked or found.linked)
            if whole.objects > OBJECTS_MOST:
                raise self.refuse(name, f"holds more than {OBJECTS_MOST:,} objects")
        return whole

    def linked(self, group: h5g.GroupID, key: bytes, place: str, above: tuple[object, ...]) -> Content:
        """What a name in a group leads to."""
        soft = self.soft(group, key, place)
        address = identity(group, key)
        if address in above:
            raise self.refuse(place, "is a link to a group that it is in")
        alias = soft or address in self.known
        if address not in self.known:
            self.known[address] = self.item(h5o.open(group, key), place, (*above, address))
        found = self.known[address]
        if alias and found.linked:
            raise self.refuse(place, "is a link to what holds another link")
        return replace(found, linked=alias or found.linked)

    def item(self, item: object, place: str, above: tuple[object, ...]) -> Content:
        """A group or a data set."""
        if isinstance(item, h5g.GroupID):
            return self.group(item, place, above)
        if isinstance(item, h5d.DatasetID):
            self.attributes(item, place)
            return Content(bytes=self.dataset(item, place))
        raise self.refuse(place, "is neither a group nor a data set")

    def text(self, key: bytes, name: str) -> str:
        """The name of a link."""
        if len(key) > NAME_LONGEST:
            raise self.refuse(name, f"holds a name of {len(key):,} bytes")
        return key.decode("utf-8", "backslashreplace")

    def soft(self, group: h5g.GroupID, key: bytes, place: str) -> bool:
        """Whether a link is a soft one, whose target is reached by hard links alone."""
        kind = group.links.get_info(key).type
        if kind == h5l.TYPE_HARD:
            return False
        if kind != h5l.TYPE_SOFT:
            raise self.refuse(
                place, "is a link to another file" if kind == h5l.TYPE_EXTERNAL else "is a link of a user's"
            )
        target = group.links.get_val(key)
        here = h5o.open(group, b"/") if target.startswith(b"/") else group
        for part in filter(None, target.split(b"/")):
            if part == b".":
                continue
            if not isinstance(here, h5g.GroupID) or part not in here:
                raise self.refuse(place, "is a link to nothing")
            if here.links.get_info(part).type != h5l.TYPE_HARD:
                raise self.refuse(place, "is a link to a link")
            here = h5o.open(here, part)
        return True

    def attributes(self, item: h5g.GroupID | h5d.DatasetID, name: str) -> None:
        """Attributes are few, small, and numbers or texts."""
        count = h5a.get_num_attrs(item)
        if count > ATTRIBUTES_MOST:
            raise self.refuse(name, f"has {count:,} attributes, more than the {ATTRIBUTES_MOST} allowed")
        for index in range(count):
            attribute = h5a.open(item, index=index)
            place = f"{name}@{self.text(attribute.name, name)}"
            size = self.bytes_of(attribute.get_type(), attribute.get_space(), place)
            if size > ATTRIBUTE_BYTES:
                raise self.refuse(place, f"is an attribute of {size:,} bytes, of at most {ATTRIBUTE_BYTES:,}")

    def dataset(self, item: h5d.DatasetID, place: str) -> int:
        """The bytes that a data set's values take; it is plain, inside the file, and as large as it says."""
        properties = item.get_create_plist()
        if properties.get_layout() not in LAYOUTS:
            raise self.refuse(place, "is a virtual data set, made of others")
        if properties.get_external_count():
            raise self.refuse(place, "has its values in another file")
        size = self.bytes_of(item.get_type(), item.get_space(), place)
        chunked = properties.get_layout() == h5d.CHUNKED
        filters = [self.filter(properties.get_filter(index)[0], place) for index in range(properties.get_nfilters())]
        if len(set(filters)) < len(filters) or ("gzip" in filters and "lzf" in filters):
            raise self.refuse(place, "is packed twice")
        stored = item.get_storage_size()
        if not stored and size > UNWRITTEN_BYTES:
            raise self.refuse(place, f"says that it holds {size:,} bytes, and was never written")
        narrow = self.matrix(item, place)
        kept = max(size, (NARROW_BYTES if narrow else KEPT_BYTES) * prod(item.shape or (0,)))
        if chunked:
            unpack = self.unpack and not (narrow and unpacks(item))
            kept += self.chunks(item, properties.get_chunk(), filters, place, unpack)
        texts = item.get_type().get_class() == h5t.STRING
        if not chunked and stored not in (0, size) and not texts:
            raise self.refuse(place, f"has {stored:,} bytes stored for values of {size:,}")
        return kept

    def matrix(self, item: h5d.DatasetID, place: str) -> bool:
        """Whether it is one of the matrices."""
        return place.rpartition("/")[2] in self.matrices and all(size == 1 for size in (item.shape or ())[2:])

    def filter(self, code: int, place: str) -> str:
        """The name of a filter."""
        if code not in FILTERS:
            raise self.refuse(
                place, f"is packed by a filter (number {code}) that is not one of {', '.join(FILTERS.values())}"
            )
        return FILTERS[code]

    def chunks(self, item: h5d.DatasetID, shape: tuple[int, ...], filters: list[str], place: str, unpack: bool) -> int:
        """Bytes of a chunk; no chunk that is stored unpacks to more."""
        size = prod(shape) * item.get_type().get_size()
        count = prod(-(-whole // part) for whole, part in zip(item.shape, shape, strict=True))
        if size > min(CHUNK_BYTES, self.limit) or count > CHUNKS_MOST:
            raise self.refuse(place, f"is divided into {count:,} chunks of {size:,} bytes")
        if not filters:
            return size
        if not self.unpack:
            return size
        stored: list[h5d.StoreInfo] = []
        item.chunk_iter(stored.append)  # asked for by their numbers, each is searched for from the first
        if len(stored) > count:
            raise self.refuse(place, "has more chunks than its shape")
        for found in stored:
            if found.size > size + size // 16 + (1 << 12) or ("lzf" in filters and found.size > LZF_BYTES):
                raise self.refuse(place, f"has a chunk of {found.size:,} bytes for values of {size:,}")
            if unpack and "gzip" in filters and not found.filter_mask >> filters.index("gzip") & 1:
                self.unpacked(item.read_direct_chunk(found.chunk_offset)[1], size + SLACK, place)
        return size

    def unpacked(self, content: bytes, most: int, place: str) -> None:
        """A chunk of gzip is whole, and unpacks to no more than the bytes that it stands for."""
        stream = zlib.decompressobj()
        try:
            got = len(stream.decompress(content, most + 1))
        except zlib.error as error:
            raise self.refuse(place, f"is damaged ({error})") from error
        if got > most:
            raise self.refuse(place, f"has a chunk that unpacks to more than its {most - SLACK:,} bytes")

    def bytes_of(self, kind: h5t.TypeID, space: h5s.SpaceID, place: str) -> int:
        """Bytes of all values, which are numbers or texts."""
        shape = () if space.get_simple_extent_type() != h5s.SIMPLE else space.shape
        count, known = prod(shape), kind.get_class()
        if known in NUMBERS and kind.get_size() in NUMBERS[known]:
            if known == h5t.ENUM and kind.get_super().get_class() != h5t.INTEGER:
                raise self.refuse(place, "holds values of an unknown type")
            try:
                fits = isinstance(kind.dtype, np.dtype) and kind.dtype.itemsize == kind.get_size()
            except (TypeError, ValueError, KeyError, UnicodeError) as error:
                raise self.refuse(place, f"holds values of an unknown type ({error})") from error
            if fits:
                return count * kind.get_size()
        if known == h5t.STRING:
            if count > self.texts:
                raise self.refuse(place, f"holds {count:,} texts, more than the {self.texts} allowed")
            return count * kind.get_size()
        raise self.refuse(place, "holds neither numbers nor texts")


def identity(group: h5g.GroupID, key: bytes) -> object:
    """What two links to one object have in common."""
    found = h5o.get_info(group, key)
    return found.fileno, found.addr if hasattr(found, "addr") else found.token


def inspect(
    file: h5py.File, path: Path, texts: int = TEXTS_MOST, matrices: tuple[str, ...] = (), unpack: bool = True
) -> None:
    """Raise for what is in an open file and must not be read.

    Args:
        texts: that a data set may hold; a reader of more takes them one by one.
        matrices, unpack: as of `Look`.

    Raises:
        BasaltError: it reaches beyond itself, is too large, or holds what no network's file does; names the object.
    """
    root = h5g.open(file.id, b"/")
    limit = memory_limit()
    whole = Look(path, limit, texts, matrices, unpack).group(root, "", (identity(root, b"."),))
    if whole.bytes > limit:
        raise too_large(path, "what it holds", whole.bytes, limit)
