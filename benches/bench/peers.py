"""The other launchers, told to do the same job."""

import json
import os
import shutil
from typing import Dict, List, Sequence

import mounts
from pace import Contender, Failure, found, run
from scene import IMAGE, Scene

PACKAGES = ["bubblewrap", "crun", "runc", "podman", "umoci", "skopeo", "docker-registry", "tar", "uidmap", "fio", "gcc",
            "libc6-dev"]

# What the job has besides the mounts of every container.
JOB = ["-v", "data:/data", "--tmpfs", "/scratch"]
ONE_ID = ["--userns", "single"]
HOST = ["--network", "host"]
TRUE = "/bin/true"


def sources(scene: Scene) -> Dict[str, str]:
    """The host's files and directories that the job binds, by their destinations."""

    def make() -> Dict[str, str]:
        os.makedirs(scene.path("sources", "data"))
        made = {"/data": scene.path("sources", "data")}
        for name in ("hosts", "hostname", "resolv.conf"):
            path = scene.path("sources", name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"{name}\n")
            made[f"/etc/{name}"] = path
        return made

    return scene.once("sources", make)


def job_mounts(scene: Scene, flags: Sequence[str]) -> List[mounts.Mount]:
    words = [*ONE_ID, *flags]
    return scene.once(f"mounts {words}", lambda: scene.inside(words))


def bwrap_words(scene: Scene, flags: Sequence[str], network: str) -> List[str]:
    """bwrap with the mounts that minirun makes for these flags, but for the overlay: its root is a directory."""
    words = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup"]
    words += ["--unshare-net"] if network == "none" else []
    words += ["--uid", "0", "--gid", "0", "--hostname", "bench", "--die-with-parent"]
    words += ["--bind", scene.path("rootfs"), "/"]
    known = {**sources(scene), **many_sources(scene)}
    return words + mounts.for_bwrap(job_mounts(scene, [*flags, "--network", network]), known)


def many_sources(scene: Scene) -> Dict[str, str]:
    return {f"/many/{index}": scene.path("many", str(index)) for index in range(500)}


def bwrap(scene: Scene, network: str) -> Contender:
    scene.job_image()
    return Contender("bwrap", [*bwrap_words(scene, JOB, network), TRUE])


def floor_words(scene: Scene, flags: Sequence[str], network: str) -> List[str]:
    known = {**sources(scene), **many_sources(scene)}
    return mounts.for_floor(job_mounts(scene, [*flags, "--network", network]), known)


def floor(scene: Scene, network: str, upper: str = "disk") -> Contender:
    """The program that only asks the kernel; its writable layer is on the disk or in memory."""
    words = [f"{scene.programs}/floor", *(["network"] if network == "none" else [])]
    for layer in scene.layer_directories():
        words += ["lower", layer]
    words += ["memory"] if upper == "memory" else ["upper", scene.path("floor-upper")]
    words += floor_words(scene, JOB, network)
    name = "floor" if upper == "disk" else "floor, upper in memory"
    return Contender(name, [*words, "run", TRUE])


def bundle(scene: Scene, identities: str, command: Sequence[str] = (TRUE,)) -> str:
    """A bundle with the specification that minirun composes for the job; the root is a directory instead of an overlay.

    Known differences that the older runtimes need: their version of the specification, and no list of groups where
    there is one ID.
    """
    scene.job_image()
    directory = scene.path(f"bundle-{identities}-{len(command)}")
    if os.path.isdir(directory):
        return directory
    flags = ONE_ID if identities == "one" else []
    made = scene.minirun("create", *flags, "--network", "host", *JOB, IMAGE, *command).strip()
    kept = scene.path("store", "containers", made)
    with open(f"{kept}/config.json", encoding="utf-8") as file:
        specification = json.load(file)
    specification["ociVersion"] = "1.0.2"
    specification["root"]["path"] = scene.path("rootfs")
    specification["process"]["user"].pop("additionalGids", None)
    known = sources(scene)
    for mount in specification["mounts"]:
        mount["source"] = known.get(mount["destination"], mount.get("source"))
    os.mkdir(directory)
    with open(f"{directory}/config.json", "w", encoding="utf-8") as file:
        json.dump(specification, file)
    scene.minirun("rm", made)
    return directory


def runtime(scene: Scene, program: str, identities: str) -> Contender:
    """crun or runc with the bundle of the job; `identities` is `one` or `many`."""
    directory = bundle(scene, identities)
    state = scene.path(f"state-{program}")
    words = [program, "--root", state, *no_cgroups(program), "run", "--bundle", directory, "bench-{}"]
    return Contender(program, words)


def no_cgroups(program: str) -> List[str]:
    return ["--cgroup-manager=disabled"] if program == "crun" else []


CONTAINERS_CONF = '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'


def podman_environment(scene: Scene) -> Dict[str, str]:
    """Podman with a home, a store and a configuration of its own."""

    def make() -> Dict[str, str]:
        # Short, as sockets are below it: where a name is too long, podman waits 20 seconds for its monitor each time.
        runtime_directory = scene.path("run")
        for path in (scene.path("podman", "home"), runtime_directory):
            os.makedirs(path, mode=0o700)
        storage = (
            f'[storage]\ndriver = "overlay"\ngraphroot = "{scene.path("podman", "store")}"\n'
            f'runroot = "{runtime_directory}/containers"\n'
        )
        for name, text in (("containers.conf", CONTAINERS_CONF), ("storage.conf", storage)):
            with open(scene.path("podman", name), "w", encoding="utf-8") as file:
                file.write(text)
        return {
            "HOME": scene.path("podman", "home"),
            "XDG_RUNTIME_DIR": runtime_directory,
            "CONTAINERS_CONF": scene.path("podman", "containers.conf"),
            "CONTAINERS_STORAGE_CONF": scene.path("podman", "storage.conf"),
        }

    return scene.once("podman environment", make)


def podman_image(scene: Scene) -> str:
    """The job's image in podman's store, also where a row has emptied that; its ID. Raises Failure."""
    scene.job_image()
    told = run(["podman", "pull", "-q", f"oci:{scene.path('job')}:job:1"], podman_environment(scene))
    remember_pause(scene)
    return told.strip().splitlines()[-1]


def remember_pause(scene: Scene) -> None:
    """Podman leaves a process that keeps its namespaces, also where it fails; it has to end with the benchmarks."""
    path = scene.path("run", "libpod", "tmp", "pause.pid")
    try:
        with open(path, encoding="ascii") as file:
            scene.started.append(int(file.read()))
    except (OSError, ValueError):
        return


def podman(scene: Scene, flags: Sequence[str], command: Sequence[str]) -> Contender:
    """`podman run --rm` of the job's image. If it cannot take the image, running it tells why."""
    environment = podman_environment(scene)
    try:
        name = podman_image(scene)
    except Failure as failure:
        return unable("podman", str(failure))
    return Contender("podman", ["podman", "run", "--rm", *flags, name, *command], environment, every=5)


def unable(name: str, reason: str) -> Contender:
    """A contender that cannot run, and says why."""

    def say() -> None:
        raise Failure(reason)

    return Contender(name, ["/bin/true"], before=say)


def versions() -> Dict[str, str]:
    asked = {"bwrap": ["--version"], "crun": ["--version"], "runc": ["--version"], "podman": ["--version"],
             "umoci": ["--version"], "skopeo": ["--version"], "tar": ["--version"], "fio": ["--version"]}
    told = {}
    for program, words in asked.items():
        try:
            told[program] = run([program, *words]).splitlines()[0].strip()
        except Failure as failure:
            told[program] = str(failure)
    return told


def is_installed(program: str) -> bool:
    try:
        return shutil.which(found(program)) is not None
    except Failure:
        return False
