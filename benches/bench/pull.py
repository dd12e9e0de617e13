"""Rows about registries: how long an image takes from one on this machine into an empty store."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from typing import Dict, List

import image
import pace
import peers
import unpack
from contest import contest, rivals
from figures import Row
from pace import Contender, Failure, found
from scene import Scene

PART = "pull"
# How long a registry may take until it answers.
PATIENCE = 20.0


def rows(scene: Scene) -> List[Row]:
    made = [pulled(scene, "small", unpack.generated(scene, "small", unpack.SMALL))]
    if scene.large:
        made.append(pulled(scene, "large", unpack.large(scene)))
    return made


def pulled(scene: Scene, name: str, directory: str) -> Row:
    files = image.layer_files(directory)
    size = sum(os.path.getsize(file) for file in files)
    row = Row(PART, f"pull {name} from a registry on this machine: {len(files)} layers, {size / 1e6:.0f} MB", "s")
    try:
        there = sent(scene, name, directory)
    except Failure as failure:
        row.reason = f"no registry: {failure}"
        return row
    ours = scene.ours("pull", "-q", there, store="fresh")
    ours.before = lambda: scene.put_aside("fresh")
    others = rivals([
        ("podman pull", lambda: podman_pull(scene, there), 1 / 5),
        ("skopeo copy", lambda: skopeo_copy(scene, there), None),
    ])
    for contender in (ours, *(other for other, _ in others)):
        contender.least = 1 if name == "large" else 3
    return contest(scene, row, ours, others)


def podman_pull(scene: Scene, there: str) -> Contender:
    environment = peers.podman_environment(scene)

    def forget() -> None:
        pace.run(["podman", "rmi", "-a", "-f"], environment)
        peers.remember_pause(scene)

    return Contender("podman pull", ["podman", "pull", "-q", "--tls-verify=false", there], environment, before=forget,
                     after=forget)


def skopeo_copy(scene: Scene, there: str) -> Contender:
    """Only the blobs, into a layout: nothing is unpacked."""
    made = scene.path("copied")
    words = ["skopeo", "copy", "-q", *anyone(scene), "--src-tls-verify=false", f"docker://{there}", f"oci:{made}:1"]
    return Contender("skopeo copy", words, before=lambda: scene.put_aside("copied"))


def sent(scene: Scene, name: str, directory: str) -> str:
    """Has the registry hold the image of a layout; what it is called there. Raises Failure."""

    def send() -> str:
        there = f"127.0.0.1:{port(scene)}/bench/{name}:1"
        tag = f"{name}:1"
        pace.run(["skopeo", "copy", "-q", *anyone(scene), "--dest-tls-verify=false", f"oci:{directory}:{tag}",
                  f"docker://{there}"])
        return there

    return scene.once(f"in the registry: {name}", send)


def anyone(scene: Scene) -> List[str]:
    """Skopeo's flags without which it asks for a policy that the machine may not have, and for passwords where podman
    lets only root look once root has used it."""
    return ["--insecure-policy", "--tmpdir", scene.directory, "--authfile", scene.path("passwords.json")]


def port(scene: Scene) -> int:
    """The port of a registry that begins empty. Raises Failure."""
    return scene.once("registry", lambda: started(scene))


def started(scene: Scene) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        chosen: int = free.getsockname()[1]
    settings: Dict[str, object] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": scene.path("registry")}},
        "http": {"addr": f"127.0.0.1:{chosen}"},
    }
    with open(scene.path("registry.json"), "w", encoding="utf-8") as file:
        # JSON is YAML, too.
        json.dump(settings, file)
    words = [found("docker-registry"), "serve", scene.path("registry.json")]
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scene.started.append(child.pid)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and child.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{chosen}/v2/", timeout=1):
                return chosen
        except OSError:
            time.sleep(0.05)
    raise Failure("it does not answer")
