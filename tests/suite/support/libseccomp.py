"""Reads a profile in the runtime specification's form and prints libseccomp's program for it, as other runtimes ask for it.

Usage: libseccomp.py ABI <PROFILE >PROGRAM; the first line is a list of the calls that this libseccomp does not know.
"""

import json
import sys
import tempfile

import seccomp

ABIS = {"x86_64": seccomp.Arch.X86_64, "x86": seccomp.Arch.X86, "x32": seccomp.Arch.X32}
OPERATORS = {
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}


def action(name, errno):
    errno = 1 if errno is None else errno
    return {
        "SCMP_ACT_KILL": seccomp.KILL,
        "SCMP_ACT_KILL_THREAD": seccomp.KILL,
        "SCMP_ACT_KILL_PROCESS": seccomp.KILL_PROCESS,
        "SCMP_ACT_TRAP": seccomp.TRAP,
        "SCMP_ACT_ERRNO": seccomp.ERRNO(errno),
        "SCMP_ACT_TRACE": seccomp.TRACE(errno),
        "SCMP_ACT_LOG": seccomp.LOG,
        "SCMP_ACT_ALLOW": seccomp.ALLOW,
    }[name]


def argument(one):
    operator = OPERATORS[one["op"]]
    return seccomp.Arg(one["index"], operator, one["value"], one.get("valueTwo") or 0)


abi = sys.argv[1]
profile = json.load(sys.stdin)
numbers = profile.pop("numbers")
default = action(profile["defaultAction"], profile.get("defaultErrnoRet"))
program = seccomp.SyscallFilter(default)
# SCMP_ACT_KILL_PROCESS, as a signed number.
program.set_attr(seccomp.Attr.ACT_BADARCH, -0x80000000)
if abi != "x86_64":
    program.add_arch(seccomp.Arch(ABIS[abi]))
    program.remove_arch(seccomp.Arch(seccomp.Arch.X86_64))
unknown = set()
for call in profile["syscalls"]:
    answer = action(call["action"], call.get("errnoRet"))
    if answer == default:
        continue
    arguments = call.get("args") or []
    indices = [one["index"] for one in arguments]
    alternatives = [arguments] if len(set(indices)) == len(indices) else [[one] for one in arguments]
    for name in call["names"]:
        # By its number a call can be named that is younger than the library, but only on the machine's own ABI.
        if abi == "x86_64":
            word = numbers.get(name)
        else:
            word = name if seccomp.resolve_syscall(seccomp.Arch(ABIS[abi]), name) >= 0 else None
        if word is None:
            unknown.add(name)
            continue
        for alternative in alternatives:
            program.add_rule(answer, word, *map(argument, alternative))
print(json.dumps(sorted(unknown)), flush=True)
with tempfile.TemporaryFile() as file:
    program.export_bpf(file)
    file.seek(0)
    sys.stdout.buffer.write(file.read())
