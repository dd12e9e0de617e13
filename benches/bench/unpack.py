"""Rows about images: how long one takes into an empty store, and what memory that needs."""

import json
import os
import shutil
from typing import Iterator, List, Optional, Sequence, Tuple

import image
import pace
import peers
from contest import contest, rivals
from figures import Figure, Row
from pace import Contender, Failure
from scene import Scene, average_load

PART = "unpack"
# The files, bytes and layers of a Debian with compilers, Python and servers; and a tenth of it.
LARGE = image.Shape(23_000, 1_270_000_000, 6)
SMALL = image.Shape(2_300, 127_000_000, 6)
# What the published root filesystem of Alpine is like.
LITTLE = image.Shape(520, 7_800_000, 1)
MEMORY = 100.0


def rows(scene: Scene) -> List[Row]:
    made = [cold(scene), *unpacked(scene, "small", generated(scene, "small", SMALL))]
    if scene.large:
        made += unpacked(scene, "large", large(scene))
    return made


def large(scene: Scene) -> str:
    """The layout that was asked for, generated or borrowed."""
    if scene.large == "generated":
        return generated(scene, "large", LARGE)
    return scene.once("borrowed layout", lambda: borrowed(scene, "large", scene.large))


def generated(scene: Scene, name: str, shape: image.Shape) -> str:
    return scene.layout(name, image.generated_layers(shape))


def borrowed(scene: Scene, name: str, directory: str) -> str:
    """A copy of a layout: some tools write beside the image that they read, and minirun follows no link out of it."""
    made = scene.path(name)
    os.mkdir(made)
    shutil.copytree(os.path.join(directory, "blobs"), f"{made}/blobs")
    os.sync()
    shutil.copy(f"{directory}/oci-layout", made)
    with open(f"{directory}/index.json", encoding="utf-8") as file:
        index = json.load(file)
    index["manifests"] = index["manifests"][:1]
    index["manifests"][0].setdefault("annotations", {})["org.opencontainers.image.ref.name"] = f"{name}:1"
    with open(f"{made}/index.json", "w", encoding="utf-8") as file:
        json.dump(index, file)
    return made


def unpacked(scene: Scene, name: str, directory: str) -> List[Row]:
    files = image.layer_files(directory)
    size = sum(os.path.getsize(file) for file in files)
    row = Row(PART, f"unpack {name}: {len(files)} layers, {size / 1e6:.0f} MB", "s")
    ours = scene.ours("load", "-q", "-i", directory, store="fresh")
    ours.before = lambda: scene.put_aside("fresh")
    others = rivals([
        ("podman pull", lambda: podman_pull(scene, directory, name), 1 / 6),
        ("tar -xzf", lambda: tar_layers(scene, files), 1 / 3),
        ("umoci", lambda: umoci(scene, directory, name), None),
    ])
    for contender in (ours, *(other for other, _ in others)):
        contender.least = 1 if name == "large" else 3
    found = contest(scene, row, ours, others)
    memory = Row(PART, f"unpack {name}: peak memory", "MB", limit=MEMORY, load=average_load())
    memory.ours, memory.reason = peak(scene, ours)
    return [found, memory]


def peak(scene: Scene, ours: Contender) -> Tuple[Optional[Figure], str]:
    scene.put_aside("fresh")
    try:
        return Figure.exact(pace.peak_memory(f"{scene.programs}/files", ours.words, ours.environment) / 1e6), ""
    except Failure as failure:
        return None, str(failure)


def podman_pull(scene: Scene, directory: str, name: str) -> Contender:
    environment = peers.podman_environment(scene)

    def forget() -> None:
        pace.run(["podman", "rmi", "-a", "-f"], environment)
        peers.remember_pause(scene)

    words = ["podman", "pull", "-q", f"oci:{directory}:{name}:1"]
    return Contender("podman pull", words, environment, before=forget, after=forget)


def tar_layers(scene: Scene, files: Sequence[str]) -> Contender:
    """The layers one after the other into one directory, which is less than an image asks for: no whiteouts."""
    directory = scene.path("untarred")

    def fresh() -> None:
        scene.put_aside("untarred")
        os.mkdir(directory)

    script = 'for layer; do tar -C "$0" -xzf "$layer"; done'
    words = ["sh", "-c", script, directory, *files]
    return Contender("tar -xzf", words, before=fresh)


def umoci(scene: Scene, directory: str, name: str) -> Contender:
    made = scene.path("umoci-bundle")
    words = ["umoci", "unpack", "--rootless", "--image", f"{directory}:{name}:1", made]
    return Contender("umoci", words, before=lambda: scene.put_aside("umoci-bundle"))


def cold(scene: Scene) -> Row:
    """The first run of an image that is in no store yet."""
    directory = scene.alpine or with_program(scene)
    what = "alpine" if scene.alpine else "an image of Alpine's size"
    row = Row(PART, f"run oci:… of {what}, store empty", "ms")
    ours = scene.ours("run", "--rm", "--network", "host", f"oci:{directory}", "/bin/true", store="fresh")
    ours.before = lambda: scene.put_aside("fresh")
    files = image.layer_files(directory)
    others = rivals([("tar -xzf", lambda: tar_layers(scene, files), 3.0)])
    return contest(scene, row, ours, others)


def with_program(scene: Scene) -> str:
    """One layer with the generated files and a program."""

    def both() -> Iterator[image.Entry]:
        yield from image.programs_layer(scene.programs)()
        yield from image.generated_layers(LITTLE)[0]()

    return scene.layout("little-with-program", [both])

