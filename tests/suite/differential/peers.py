"""What programs make of the layers of an image, as lines of JSON: one for each file in each tree.

peers.py OURS EXPORTED FLAT UMOCI SCRATCH LAYER…

The first is a tree, the next two are archives of it, the fourth a tree or nothing. In the new directory SCRATCH the archives
are unpacked, and the layers are applied with GNU tar and with the module tarfile. Whoever fails has one line that says why.
"""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def apply_whiteouts(tree, members):
    """Whiteouts are about the layers below alone, so they come before all that the layer has."""
    for member in members:
        parent, name = os.path.split(os.path.normpath(member.name))
        parent = os.path.realpath(os.path.join(tree, parent))
        assert (parent + "/").startswith(os.path.realpath(tree) + "/"), member.name
        if name == OPAQUE and os.path.isdir(parent):
            for child in os.listdir(parent):
                remove(os.path.join(parent, child))
        elif name != OPAQUE and os.path.isdir(parent):
            remove(os.path.join(parent, name.removeprefix(WHITEOUT)))


def is_whiteout(member):
    return os.path.basename(os.path.normpath(member.name)).startswith(WHITEOUT)


def apply_with_tar(tree, layer):
    with tarfile.open(layer) as archive:
        for member in archive:
            path = os.path.join(tree, member.name)
            # By itself it removes no directory that has something in it, or all of them.
            if not member.isdir() and not is_whiteout(member) and os.path.isdir(path):
                remove(path)
    untar(tree, layer, "--absolute-names", "--exclude=.wh.*")


def untar(tree, archive, *more):
    flags = ["--numeric-owner", "--same-owner", "-p", "--xattrs", "--xattrs-include=*", *more]
    command = ["tar", "-x", *flags, "-C", tree, "-f", archive]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def apply_with_tarfile(tree, layer):
    directories = []
    with tarfile.open(layer) as archive:
        archive.extraction_filter = staticmethod(lambda member, _path: member)
        for member in archive:
            if is_whiteout(member):
                continue
            path = os.path.join(tree, member.name)
            is_merged = member.isdir() and os.path.isdir(path) and not os.path.islink(path)
            # By itself it writes into files that are there, and follows links.
            if not is_merged:
                remove(path)
            if member.islnk():
                # By itself it takes a link that leads nowhere for no file at all.
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.link(os.path.join(tree, member.linkname), path, follow_symlinks=False)
                continue
            archive.extract(member, tree, set_attrs=not member.isdir(), numeric_owner=True)
            if member.isdir():
                directories.append(member)
        for member in sorted(directories, key=lambda member: member.name, reverse=True):
            path = os.path.join(tree, member.name)
            if os.path.isdir(path) and not os.path.islink(path):
                os.chown(path, member.uid, member.gid)
                os.utime(path, (member.mtime, member.mtime))
                os.chmod(path, member.mode)


def apply(apply_layer, tree, layers):
    os.mkdir(tree, 0o755)
    for layer in layers:
        with tarfile.open(layer) as archive:
            apply_whiteouts(tree, [member for member in archive if is_whiteout(member)])
        apply_layer(tree, layer)


def described(path, status, names):
    node = {
        "kind": stat.filemode(status.st_mode)[0],
        "mode": stat.S_IMODE(status.st_mode),
        "owner": [status.st_uid, status.st_gid],
        "time": [status.st_mtime_ns // 10**9, status.st_mtime_ns % 10**9],
        "xattrs": {},
    }
    if stat.S_ISLNK(status.st_mode):
        node["link"] = os.fsencode(os.readlink(path)).decode("latin-1")
        return node
    for name in os.listxattr(path):
        node["xattrs"][name] = os.getxattr(path, name).hex()
    if stat.S_ISREG(status.st_mode):
        node["size"] = status.st_size
        with open(path, "rb") as file:
            node["hash"] = hashlib.sha256(file.read()).hexdigest()
    if not stat.S_ISDIR(status.st_mode) and status.st_nlink > 1:
        # The first name of the file, in the order of the walk.
        node["first"] = names
    return node


def read(who, tree):
    tree = os.fsencode(tree)
    firsts = {}
    waiting = [b""]
    while waiting:
        name = waiting.pop()
        path = os.path.join(tree, name) if name else tree
        status = os.lstat(path)
        shown = name.decode("latin-1")
        first = firsts.setdefault((status.st_dev, status.st_ino), shown)
        print(json.dumps({"who": who, "path": shown, **described(path, status, first)}))
        if stat.S_ISDIR(status.st_mode):
            waiting.extend(sorted((os.path.join(name, child) for child in os.listdir(path)), reverse=True))


def main(ours, exported, flat, umoci, scratch, *layers):
    os.umask(0o022)
    os.mkdir(scratch)
    read("ours", ours)
    for who, archive in (("export", exported), ("vfs", flat)):
        tree = os.path.join(scratch, who)
        os.mkdir(tree)
        untar(tree, archive)
        read(who, tree)
    for who, apply_layer in (("tar", apply_with_tar), ("tarfile", apply_with_tarfile)):
        tree = os.path.join(scratch, who)
        try:
            apply(apply_layer, tree, layers)
        except subprocess.CalledProcessError as error:
            print(json.dumps({"who": who, "failed": error.stderr}))
        except OSError as error:
            print(json.dumps({"who": who, "failed": str(error)}))
        else:
            read(who, tree)
    if os.path.isdir(umoci):
        read("umoci", umoci)
        subprocess.run(["chmod", "-R", "u+rwx", umoci], check=False, capture_output=True)
        shutil.rmtree(umoci)
    shutil.rmtree(scratch)


main(*sys.argv[1:])
