"""Images made by the benchmarks themselves: OCI image layouts of layers that are generated."""

import functools
import gzip
import hashlib
import io
import itertools
import json
import os
import random
import tarfile
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple, cast

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


class Entry(NamedTuple):
    """A file of a layer, or a directory if it has no content."""

    path: str
    content: Optional[bytes] = None
    mode: int = 0o755


Layer = Callable[[], Iterator[Entry]]


class Counted(io.RawIOBase):
    """Passes on what is written and remembers its digest and size."""

    def __init__(self, below: IO[bytes]) -> None:
        self.below, self.digest, self.size = below, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        self.size += len(data)
        self.below.write(data)
        return len(data)


def write_blob(directory: str, content: bytes, kind: str) -> Dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    with open(f"{directory}/blobs/sha256/{digest}", "wb") as file:
        file.write(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def write_layer(directory: str, layer: Layer) -> Tuple[Dict[str, Any], str]:
    """The descriptor of a layer and its diff ID."""
    unfinished = f"{directory}/blobs/sha256/unfinished"
    with open(unfinished, "wb") as file:
        packed = Counted(file)
        with gzip.GzipFile("", "wb", 5, cast(IO[bytes], packed), 0) as inflated:
            plain = Counted(cast(IO[bytes], inflated))
            with tarfile.open(fileobj=cast(IO[bytes], plain), mode="w|", format=tarfile.PAX_FORMAT) as archive:
                for entry in layer():
                    add(archive, entry)
    digest = packed.digest.hexdigest()
    os.rename(unfinished, f"{directory}/blobs/sha256/{digest}")
    descriptor = {"mediaType": LAYER_TYPE, "digest": f"sha256:{digest}", "size": packed.size}
    return descriptor, f"sha256:{plain.digest.hexdigest()}"


def add(archive: tarfile.TarFile, entry: Entry) -> None:
    header = tarfile.TarInfo(entry.path)
    header.mode = entry.mode
    if entry.content is None:
        header.type = tarfile.DIRTYPE
        archive.addfile(header)
    else:
        header.size = len(entry.content)
        archive.addfile(header, io.BytesIO(entry.content))


def write_layout(directory: str, name: str, layers: Sequence[Layer]) -> None:
    """Makes an image layout with one image of this name."""
    os.makedirs(f"{directory}/blobs/sha256")
    made = [write_layer(directory, layer) for layer in layers]
    configuration = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Cmd": ["/bin/true"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in made]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": write_blob(directory, json.dumps(configuration).encode(), CONFIG_TYPE),
        "layers": [descriptor for descriptor, _ in made],
    }
    descriptor = write_blob(directory, json.dumps(manifest).encode(), MANIFEST_TYPE)
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": name}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [descriptor]}
    with open(f"{directory}/index.json", "w", encoding="utf-8") as file:
        json.dump(index, file)
    with open(f"{directory}/oci-layout", "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


def layer_files(directory: str) -> List[str]:
    """The blobs of an image's layers, the lowest first."""
    with open(f"{directory}/index.json", encoding="utf-8") as file:
        found = json.load(file)["manifests"][0]
    while True:
        with open(blob(directory, found), encoding="utf-8") as file:
            document = json.load(file)
        if "layers" in document:
            return [blob(directory, layer) for layer in document["layers"]]
        found = document["manifests"][0]


def blob(directory: str, descriptor: Dict[str, str]) -> str:
    return f"{directory}/blobs/{descriptor['digest'].replace(':', '/')}"


# Where mounts go: there beforehand, so that no launcher has to make them in its writable layer.
DIRECTORIES = ["bin", "dev", "etc", "proc", "run", "sys", "tmp", "root", "data", "scratch", "bind", "many"]
FILES = ["etc/hosts", "etc/hostname", "etc/resolv.conf"]
MANY = 500


def programs_layer(programs: str) -> Layer:
    """The tree that every launcher starts in, with the programs that were built."""

    def entries() -> Iterator[Entry]:
        for path in [*DIRECTORIES, *(f"many/{index}" for index in range(MANY))]:
            yield Entry(path)
        for path in FILES:
            yield Entry(path, b"", 0o644)
        yield Entry("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n", 0o644)
        yield Entry("etc/group", b"root:x:0:\n", 0o644)
        for name in ("true", "files"):
            with open(f"{programs}/{name}", "rb") as file:
                yield Entry(f"bin/{name}", file.read())

    return entries


def small_layer(number: int) -> Layer:
    return lambda: iter([Entry(f"layer-{number}", str(number).encode(), 0o644)])


@dataclass(frozen=True)
class Shape:
    """What a generated image is like: its files, their bytes altogether, and its layers."""

    files: int
    size: int
    layers: int


def generated_layers(shape: Shape) -> List[Layer]:
    """Layers as those of a distribution are: many small files and a few large, which shrink to less than a half."""
    pool = make_pool()
    each = shape.files // shape.layers

    def layer(number: int) -> Layer:
        return lambda: generated(random.Random(number), each, shape.size // shape.layers, (pool, f"usr-{number}"))

    return [layer(number) for number in range(shape.layers)]


@functools.lru_cache(maxsize=1)
def make_pool() -> bytes:
    """Mostly words, a few of them often, and some noise: shrinks as much as programs and texts do together."""
    chance = random.Random(7)
    words = [bytes(chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 11))) for _ in range(4000)]
    often = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(words))))
    parts = []
    for _ in range(1024):
        parts.append(b" ".join(chance.choices(words, cum_weights=often, k=320)))
        parts.append(chance.randbytes(300))
    return b"".join(parts)


def generated(chance: random.Random, count: int, size: int, source: Tuple[bytes, str]) -> Iterator[Entry]:
    pool, top = source
    weights = [chance.lognormvariate(0, 1.9) for _ in range(count)]
    whole = sum(weights)
    yield Entry(top)
    for index, weight in enumerate(weights):
        if index % 20 == 0:
            yield Entry(f"{top}/{index // 20}")
        yield Entry(f"{top}/{index // 20}/{index}", content(chance, pool, int(size * weight / whole)), 0o644)


def content(chance: random.Random, pool: bytes, size: int) -> bytes:
    parts = []
    while size > 0:
        begin = chance.randrange(len(pool) // 2)
        parts.append(pool[begin:begin + min(size, len(pool) // 2)])
        size -= len(parts[-1])
    return b"".join(parts)
