"""Where the measuring is done: one directory, the images and root filesystems in it, and how everything goes again."""

import os
import shutil
import signal
import tarfile
import tempfile
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Sequence, TypeVar, cast

import image
import mounts
from pace import Contender, Effort, Failure, run

IMAGE = "bench:3"
Made = TypeVar("Made")
SHOW_MOUNTS = ["/bin/files", "print", "/proc/self/mountinfo"]


@dataclass
class Scene:
    """What all rows share. `directory` is on the disk that is measured."""

    directory: str
    binary: str
    programs: str
    rounds: int
    seconds: float
    large: str = ""
    alpine: str = ""
    is_quick: bool = False
    started: List[int] = field(default_factory=list)
    known: Dict[str, object] = field(default_factory=dict)

    def path(self, *names: str) -> str:
        return os.path.join(self.directory, *names)

    def effort(self) -> Effort:
        return Effort(self.rounds, self.seconds)

    def environment(self, store: str = "store") -> Dict[str, str]:
        return {"MINIRUN_STORE": self.path(store)}

    def minirun(self, *words: str, store: str = "store") -> str:
        return run([self.binary, *words], self.environment(store))

    def ours(self, *words: str, name: str = "minirun", store: str = "store") -> Contender:
        return Contender(name, [self.binary, *words], self.environment(store))

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What `make` returns, made when it is first asked for."""
        if name not in self.known:
            self.known[name] = make()
        return cast(Made, self.known[name])

    def layout(self, name: str, layers: Sequence[image.Layer]) -> str:
        """An image layout in the scene's directory."""

        def make() -> str:
            image.write_layout(self.path(name), f"{name}:1", layers)
            return self.path(name)

        return self.once(f"layout {name}", make)

    def job_image(self) -> str:
        """The image of three layers that the starts are measured with, in the store and as directories."""

        def make() -> str:
            layers = [image.programs_layer(self.programs), image.small_layer(1), image.small_layer(2)]
            directory = self.layout("job", layers)
            self.minirun("load", "-q", "-i", directory)
            self.minirun("tag", "job:1", IMAGE)
            for number, layer in enumerate(image.layer_files(directory)):
                for place in (f"layers/{number}", "rootfs"):
                    unpack(layer, self.path(place))
            return IMAGE

        return self.once("job image", make)

    def layer_directories(self) -> List[str]:
        """The layers as directories, the topmost first."""
        self.job_image()
        return [self.path("layers", str(number)) for number in (2, 1, 0)]

    def bind_source(self) -> str:
        os.makedirs(self.path("bind"), exist_ok=True)
        return self.path("bind")

    def inside(self, flags: Sequence[str]) -> List[mounts.Mount]:
        """The mounts of a container that is started with these flags, as its command sees them."""
        self.job_image()
        return mounts.parse(self.minirun("run", "--rm", *flags, IMAGE, *SHOW_MOUNTS))

    def remove_store(self, store: str) -> None:
        """Removes a store; the files of its containers may belong to subordinate IDs."""
        path = self.path(store)
        if os.path.lexists(path):
            run([self.binary, "unshare", "--", "rm", "-rf", path], {"MINIRUN_STORE": self.path("cleanup")})

    def put_aside(self, name: str) -> None:
        """Makes room for another of that name. What was there is removed at the end: ext4 without a journal takes long
        to make files where some were removed a short while ago."""
        path = self.path(name)
        if os.path.lexists(path):
            os.rename(path, tempfile.mkdtemp(prefix="aside-", dir=self.directory))

    def leave(self) -> None:
        """Ends what was started and removes everything below the directory."""
        for pid in self.started:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        left = [name for name in os.listdir(self.directory) if name != "result.json"]
        if left:
            words = ["unshare", "--", "rm", "-rf", *(self.path(name) for name in left)]
            try:
                run([self.binary, *words], {"MINIRUN_STORE": self.path("cleanup")})
            except Failure as failure:
                print(f"{self.directory} is not empty: {failure}")
        shutil.rmtree(self.path("cleanup"), ignore_errors=True)


def unpack(layer: str, directory: str) -> None:
    os.makedirs(directory, exist_ok=True)
    with tarfile.open(layer) as archive:
        archive.extractall(directory)


def average_load() -> float:
    return os.getloadavg()[0]
