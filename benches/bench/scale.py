"""Rows about size: what each further layer and mount costs, and a store that is full."""

import os
import tarfile
from typing import Callable, Dict, List, Sequence

import image
import pace
import peers
from contest import EQUAL, contest
from figures import Figure, Peer, Row, slope
from pace import Contender, Failure
from peers import HOST, ONE_ID, TRUE
from scene import IMAGE, Scene, average_load

PART = "scale"
LAYERS = [1, 8, 64, 128, 400]
MOUNTS = [1, 10, 100, 500]
# "A few" microseconds for each.
FEW = 10.0


def rows(scene: Scene) -> List[Row]:
    scene.job_image()
    return [layers(scene), mounts(scene), full_store(scene)]


def layers(scene: Scene) -> Row:
    first = image.programs_layer(scene.programs)
    for count in LAYERS:
        directory = scene.layout(f"layers-{count}", [first, *map(image.small_layer, range(1, count))])
        scene.minirun("load", "-q", "-i", directory)
    directories = numbered_layers(scene)

    def ours(count: int) -> Contender:
        return scene.ours("run", "--rm", *ONE_ID, *HOST, f"layers-{count}:1", TRUE, name=f"minirun {count}")

    def floor(count: int) -> Contender:
        words = [f"{scene.programs}/floor"]
        for directory in directories[-count:]:
            words += ["lower", directory]
        words += ["upper", scene.path("floor-upper"), *peers.floor_words(scene, [], "host")]
        return Contender(f"floor {count}", [*words, "run", TRUE])

    row = Row(PART, f"each further layer, {LAYERS[0]} to {LAYERS[-1]}", "µs", limit=FEW)
    return slopes(scene, row, {"minirun": ours, "floor": floor}, LAYERS)


def numbered_layers(scene: Scene) -> List[str]:
    """Directories with a file each, and below them the one with the programs."""
    made = []
    for number in range(LAYERS[-1] - 1, 0, -1):
        directory = scene.path("numbered", str(number))
        os.makedirs(directory)
        with open(f"{directory}/layer-{number}", "w", encoding="ascii") as file:
            file.write(str(number))
        made.append(directory)
    return [*made, scene.layer_directories()[-1]]


def mounts(scene: Scene) -> Row:
    for index in range(MOUNTS[-1]):
        os.makedirs(scene.path("many", str(index)), exist_ok=True)

    def ours(count: int) -> Contender:
        flags = [word for index in range(count) for word in ("-v", f"{scene.path('many', str(index))}:/many/{index}")]
        return scene.ours("run", "--rm", *ONE_ID, *HOST, *flags, IMAGE, TRUE, name=f"minirun {count}")

    def bwrap(count: int) -> Contender:
        words = peers.bwrap_words(scene, [], "host")
        for index in range(count):
            words += ["--bind", scene.path("many", str(index)), f"/many/{index}"]
        return Contender(f"bwrap {count}", [*words, TRUE])

    def floor(count: int) -> Contender:
        words = [f"{scene.programs}/floor"]
        for directory in scene.layer_directories():
            words += ["lower", directory]
        words += ["upper", scene.path("floor-upper"), *peers.floor_words(scene, [], "host")]
        for index in range(count):
            words += ["bind", scene.path("many", str(index)), f"many/{index}"]
        return Contender(f"floor {count}", [*words, "run", TRUE])

    row = Row(PART, f"each further bind, {MOUNTS[0]} to {MOUNTS[-1]}", "µs", limit=FEW)
    return slopes(scene, row, {"minirun": ours, "bwrap": bwrap, "floor": floor}, MOUNTS)


def slopes(scene: Scene, row: Row, makers: Dict[str, Callable[[int], Contender]], counts: Sequence[int]) -> Row:
    """Fills in by how much each start grows, by least squares over the fastest runs of each count.

    The fastest: what other work on the machine adds to a run has nothing to do with the count.
    """
    row.load = average_load()
    contenders = [make(count) for count in counts for make in makers.values()]
    outcomes = pace.compete(contenders, scene.effort())
    for name in makers:
        try:
            figure = Figure.exact(1e6 * slope([(count, least(outcomes[f"{name} {count}"])) for count in counts]))
            row.note += f"{name}: " + ", ".join(
                f"{count}: {1000 * least(outcomes[f'{name} {count}']):.2f} ms" for count in counts) + ". "
            reason = ""
        except Failure as failure:
            figure, reason = None, str(failure)
        if name == "minirun":
            row.ours, row.reason = figure, reason
        else:
            row.peers.append(Peer(name, figure, reason))
    return row


def least(outcome: pace.Outcome) -> float:
    if isinstance(outcome, str):
        raise Failure(outcome)
    return outcome.least


def full_store(scene: Scene) -> Row:
    """The same start in a store with many containers and images, and in one with this image alone."""
    containers, images = (100, 20) if scene.is_quick else (1000, 200)
    for store in ("empty", "full"):
        scene.minirun("load", "-q", "-i", scene.path("job"), store=store)
    fill(scene, containers, images)
    command = ["run", "--rm", *ONE_ID, *HOST, "job:1", TRUE]
    row = Row(PART, f"run --rm beside {containers:,} containers and {images} images", "ms")
    ours = scene.ours(*command, store="full")
    other = scene.ours(*command, name="empty store", store="empty")
    made = contest(scene, row, ours, [(other, EQUAL)])
    for store in ("empty", "full"):
        scene.remove_store(store)
    return made


def fill(scene: Scene, containers: int, images: int) -> None:
    made = scene.ours("run", "--name", "stopped-{}", *ONE_ID, *HOST, "job:1", TRUE, store="full")
    in_groups(made, containers)
    for number in range(images):
        path = scene.path("import.tar")
        with tarfile.open(path, "w") as archive:
            image.add(archive, image.Entry(f"image-{number}", str(number).encode(), 0o644))
        scene.minirun("import", path, f"image-{number}:1", store="full")


def in_groups(contender: Contender, count: int) -> None:
    """Runs it so many times, a few at once; `{}` is the number."""
    group = 20
    for begin in range(0, count, group):
        words = [word.replace("{}", f"{begin}-{{}}") for word in contender.words]
        pace.at_once(Contender(contender.name, words, contender.environment), min(group, count - begin))
