/*
 * The floor: what a start costs when a program does nothing but ask the kernel. It has no C library, computes nothing,
 * checks nothing and looks nothing up.
 *
 *     floor [network] lower DIR… (upper DIR | memory) [STEP]… run PROGRAM
 *
 * lower DIR       a layer, the topmost first
 * upper DIR       the writable layer on disk: made before, removed after
 * memory          the writable layer on a tmpfs
 * network         a network namespace, too, and its loopback up
 * proc AT, mqueue AT, devpts AT, tmpfs AT     a new file system
 * empty AT        a tmpfs that is read-only
 * bind FROM AT    a bind with all that is below
 * fixed FROM AT   the same, read-only
 * link TO AT      a symlink
 * directory AT, file AT     made empty
 *
 * AT is relative to the root, and has to be there.
 */
#include "kernel.h"

#include <linux/if.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sockios.h>

#define DETACH 2
#define INTERNET 2
#define DATAGRAM 2
#define ANY_CHILD 0x40000000
#define CHILD_ENDED 17
#define REGULAR 0100000

ENTRY(begin);

struct plan {
    char **words;
    const char *upper;
    int network;
};

static long configure(long context, const char *key, const char *value) {
    return CALL(fsconfig, context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

static long finish(long context, long attributes) {
    must("create", CALL(fsconfig, context, FSCONFIG_CMD_CREATE, 0, 0, 0));
    return must("fsmount", CALL(fsmount, context, FSMOUNT_CLOEXEC, attributes, 0, 0));
}

static long fresh(const char *type) {
    return must(type, CALL(fsopen, type, FSOPEN_CLOEXEC, 0, 0, 0));
}

static void attach(long mount, long root, const char *at) {
    must(at, CALL(move_mount, mount, "", root, at, MOVE_MOUNT_F_EMPTY_PATH));
    CALL(close, mount, 0, 0, 0, 0);
}

static long copy(const char *from) {
    return must(from, CALL(open_tree, AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE, 0, 0));
}

static long copy_fixed(const char *from, unsigned long long attributes) {
    struct mount_attr wanted = {.attr_set = attributes};
    long mount = copy(from);
    must("mount_setattr", CALL(mount_setattr, mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &wanted, sizeof wanted));
    return mount;
}

static void write_file(const char *path, const char *text, const char *end) {
    long file = must(path, CALL(openat, AT_FDCWD, path, O_WRONLY, 0, 0));
    must(path, CALL(write, file, text, end - text, 0, 0));
    CALL(close, file, 0, 0, 0, 0);
}

static void map(const char *path, unsigned long id) {
    char text[40] = "0 ";
    char *end = number(text + 2, id);
    *end++ = ' ';
    *end++ = '1';
    write_file(path, text, end);
}

static void raise_loopback(void) {
    struct ifreq request = {.ifr_name = "lo"};
    long socket = must("socket", CALL(socket, INTERNET, DATAGRAM, 0, 0, 0));
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    must("loopback", CALL(ioctl, socket, SIOCSIFFLAGS, &request, 0, 0));
    CALL(close, socket, 0, 0, 0, 0);
}

/* The overlay, attached at /mnt of this mount namespace; its descriptor. */
static long assemble(const struct plan *plan) {
    long context = fresh("overlay");
    const char *upper = plan->upper;
    if (!upper) {
        attach(finish(fresh("tmpfs"), 0), AT_FDCWD, "/mnt");
        upper = "/mnt";
        must("upper", CALL(mkdirat, AT_FDCWD, "/mnt/upper", 0755, 0, 0));
        must("work", CALL(mkdirat, AT_FDCWD, "/mnt/work", 0755, 0, 0));
    }
    must(upper, CALL(chdir, upper, 0, 0, 0, 0));
    for (char **word = plan->words; *word; word++)
        if (same(*word, "lower")) must(word[1], configure(context, "lowerdir+", word[1]));
    must("upper", configure(context, "upperdir", "upper"));
    must("work", configure(context, "workdir", "work"));
    must("userxattr", configure(context, "userxattr", 0));
    if (plan->upper) must("volatile", configure(context, "volatile", 0));
    long root = finish(context, 0);
    must("root", CALL(move_mount, root, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH));
    return root;
}

static long pseudo_terminals(void) {
    long context = fresh("devpts");
    must("mode", configure(context, "mode", "0620"));
    must("ptmxmode", configure(context, "ptmxmode", "0666"));
    return finish(context, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* One step; how many words it took. */
static int take(char **word, long root) {
    const long closed = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    const char *at = word[1];
    if (same(*word, "proc") || same(*word, "mqueue")) attach(finish(fresh(*word), closed), root, at);
    else if (same(*word, "tmpfs")) attach(finish(fresh("tmpfs"), MOUNT_ATTR_NOSUID), root, at);
    else if (same(*word, "empty")) attach(finish(fresh("tmpfs"), MOUNT_ATTR_RDONLY), root, at);
    else if (same(*word, "devpts")) attach(pseudo_terminals(), root, at);
    else if (same(*word, "directory")) must(at, CALL(mkdirat, root, at, 0755, 0, 0));
    else if (same(*word, "file")) must(at, CALL(mknodat, root, at, REGULAR | 0644, 0, 0));
    else if (same(*word, "bind")) attach(copy(word[1]), root, word[2]);
    else if (same(*word, "fixed")) attach(copy_fixed(word[1], MOUNT_ATTR_RDONLY), root, word[2]);
    else if (same(*word, "link")) must(word[2], CALL(symlinkat, word[1], root, word[2], 0, 0));
    else return same(*word, "network") || same(*word, "memory") ? 1 : 2;
    return same(*word, "bind") || same(*word, "fixed") || same(*word, "link") ? 3 : 2;
}

static __attribute__((noreturn, noinline)) void
become(const struct plan *plan, unsigned long user, unsigned long group) {
    static const char deny[] = "deny";
    write_file("/proc/self/setgroups", deny, deny + 4);
    map("/proc/self/uid_map", user);
    map("/proc/self/gid_map", group);
    must("hostname", CALL(sethostname, "floor", 5, 0, 0, 0));
    if (plan->network) raise_loopback();
    long root = assemble(plan);
    char **word = plan->words;
    while (!same(*word, "run")) word += take(word, root);
    must("root", CALL(fchdir, root, 0, 0, 0, 0));
    must("pivot_root", CALL(pivot_root, ".", ".", 0, 0, 0));
    must("old root", CALL(umount2, ".", DETACH, 0, 0, 0));
    must("new privileges", CALL(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    char *none[] = {0};
    fail(word[1], CALL(execve, word[1], word + 1, none, 0, 0));
}

static void make_upper(const char *upper) {
    must(upper, CALL(mkdirat, AT_FDCWD, upper, 0755, 0, 0));
    must(upper, CALL(chdir, upper, 0, 0, 0, 0));
    must("upper", CALL(mkdirat, AT_FDCWD, "upper", 0755, 0, 0));
    must("work", CALL(mkdirat, AT_FDCWD, "work", 0755, 0, 0));
}

/* What overlay leaves in its own directory; nobody may enter it before that is changed. */
static void remove_upper(const char *upper) {
    static const char *const closed[] = {"work/work", "work/work/incompat", "work/work/incompat/volatile", 0};
    static const char *const left[] = {"work/work/incompat/volatile", "work/work/incompat", "work/work", "work",
                                       "upper", 0};
    for (int index = 0; closed[index]; index++)
        must(closed[index], CALL(fchmodat, AT_FDCWD, closed[index], 0700, 0, 0));
    must("dirty", CALL(unlinkat, AT_FDCWD, "work/work/incompat/volatile/dirty", 0, 0, 0));
    for (int index = 0; left[index]; index++)
        must(left[index], CALL(unlinkat, AT_FDCWD, left[index], AT_REMOVEDIR, 0, 0));
    must(upper, CALL(unlinkat, AT_FDCWD, upper, AT_REMOVEDIR, 0, 0));
}

__attribute__((noreturn, used)) void begin(long *stack) {
    struct plan plan = {.words = (char **)(stack + 2)};
    for (char **word = plan.words; *word && !same(*word, "run"); word++) {
        if (same(*word, "upper")) plan.upper = word[1];
        if (same(*word, "network")) plan.network = 1;
    }
    unsigned long user = (unsigned long)CALL(geteuid, 0, 0, 0, 0, 0);
    unsigned long group = (unsigned long)CALL(getegid, 0, 0, 0, 0, 0);
    if (plan.upper) make_upper(plan.upper);
    long flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (plan.network) flags |= CLONE_NEWNET;
    /* The child borrows this memory and this stack until it is the command, as with vfork; it never returns. */
    long child = CALL(clone, flags | CLONE_VM | CLONE_VFORK | CHILD_ENDED, 0, 0, 0, 0);
    if (child == 0) become(&plan, user, group);
    must("clone", child);
    int status = 0;
    must("wait", CALL(wait4, child, &status, ANY_CHILD, 0, 0));
    if (plan.upper) remove_upper(plan.upper);
    leave(status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
}
