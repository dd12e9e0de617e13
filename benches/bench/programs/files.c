/*
 * Work on files, the same on the host and in a container, and how long it took in nanoseconds on standard output.
 *
 *     files small DIR COUNT     makes, writes, reads and removes files of 4 KiB
 *     files stream DIR COUNT    writes and reads one file of COUNT MiB
 *     files sync DIR COUNT      writes files of 4 KiB, each with an fsync, and removes them
 *     files print PATH          prints a file
 *     files wait                waits until a signal ends it
 *     files peak PROGRAM [WORD]…    runs a program; the most KiB that it or a child of its had resident
 */
#include "kernel.h"

#include <linux/sched.h>

#define CHILD_ENDED 17
/* `ru_maxrss` of a struct rusage as an array of longs. */
#define MOST_RESIDENT 4
#define CREATE (O_CREAT | O_TRUNC | O_WRONLY)
#define READ_WRITE_SIZE (1 << 20)

ENTRY(begin);

static char buffer[READ_WRITE_SIZE];
static char path[4096];

static char *name(const char *directory, unsigned long index) {
    unsigned long end = length(directory);
    for (unsigned long at = 0; at < end; at++) path[at] = directory[at];
    path[end++] = '/';
    *number(path + end, index) = 0;
    return path;
}

static void write_whole(const char *at, unsigned long size, int synced) {
    long file = must(at, CALL(openat, AT_FDCWD, at, CREATE, 0644, 0));
    while (size) {
        unsigned long part = size < sizeof buffer ? size : sizeof buffer;
        if (must(at, CALL(write, file, buffer, part, 0, 0)) != (long)part) fail(at, -28);
        size -= part;
    }
    if (synced) must("fsync", CALL(fsync, file, 0, 0, 0, 0));
    CALL(close, file, 0, 0, 0, 0);
}

static void read_whole(const char *at) {
    long file = must(at, CALL(openat, AT_FDCWD, at, 0, 0, 0));
    while (must(at, CALL(read, file, buffer, sizeof buffer, 0, 0)) > 0) continue;
    CALL(close, file, 0, 0, 0, 0);
}

static void work(const char *kind, const char *directory, unsigned long count) {
    if (same(kind, "stream")) {
        write_whole(name(directory, 0), count << 20, 0);
        read_whole(path);
        must(path, CALL(unlinkat, AT_FDCWD, path, 0, 0, 0));
        return;
    }
    int synced = same(kind, "sync");
    for (unsigned long index = 0; index < count; index++) write_whole(name(directory, index), 4096, synced);
    for (unsigned long index = 0; index < count && !synced; index++) read_whole(name(directory, index));
    for (unsigned long index = 0; index < count; index++)
        must(path, CALL(unlinkat, AT_FDCWD, name(directory, index), 0, 0, 0));
}

static __attribute__((noreturn)) void print(const char *at) {
    long count, file = must(at, CALL(openat, AT_FDCWD, at, O_RDONLY, 0, 0));
    while ((count = must(at, CALL(read, file, buffer, sizeof buffer, 0, 0))) > 0) CALL(write, 1, buffer, count, 0, 0);
    leave(0);
}

/* A child of this small process, as a program inherits the peak of the process that it was started from by vfork. */
static __attribute__((noreturn)) void peak(char **words) {
    long usage[18];
    int status = 0;
    char **environment = words;
    while (*environment) environment++;
    long child = CALL(clone, CLONE_VM | CLONE_VFORK | CHILD_ENDED, 0, 0, 0, 0);
    if (child == 0) fail(words[0], CALL(execve, words[0], words, environment + 1, 0, 0));
    must("wait", CALL(wait4, must("clone", child), &status, 0, usage, 0));
    char text[24];
    char *end = number(text, (unsigned long)usage[MOST_RESIDENT]);
    *end++ = '\n';
    CALL(write, 1, text, end - text, 0, 0);
    leave(status != 0);
}

static unsigned long now(void) {
    struct {
        long seconds, nanoseconds;
    } time;
    must("clock", CALL(clock_gettime, 1, &time, 0, 0, 0));
    return (unsigned long)time.seconds * 1000000000ul + (unsigned long)time.nanoseconds;
}

__attribute__((noreturn, used)) void begin(long *stack) {
    char **words = (char **)(stack + 1);
    if (stack[0] == 2 && same(words[1], "wait"))
        for (;;) CALL(ppoll, 0, 0, 0, 0, 0);
    if (stack[0] == 3 && same(words[1], "print")) print(words[2]);
    if (stack[0] >= 3 && same(words[1], "peak")) peak(words + 2);
    if (stack[0] != 4) fail("usage: files KIND DIR COUNT", -22);
    unsigned long begun = now();
    work(words[1], words[2], parse(words[3]));
    char text[24];
    char *end = number(text, now() - begun);
    *end++ = '\n';
    CALL(write, 1, text, end - text, 0, 0);
    leave(0);
}
