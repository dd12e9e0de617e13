/* Makes the system calls that its arguments name, each in a child, and says what came of them: an error number, 0, or
 * sigN. An argument is NUMBER[,ARGUMENT...], with i in front by the i386 entry of an x86-64 kernel. Numbers are as in C. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int call(const char *text) {
    unsigned long value[7] = {0};
    int narrow = *text == 'i', count = 0;
    char *end = (char *)text + narrow;
    for (;;) {
        value[count++] = strtoul(end, &end, 0);
        if (*end != ',' || count == 7)
            break;
        end++;
    }
#ifdef __x86_64__
    if (narrow) {
        int result = (int)value[0];
        __asm__ volatile("int $0x80" : "+a"(result) : "b"((int)value[1]), "c"((int)value[2]), "d"((int)value[3])
                         : "memory", "r8", "r9", "r10", "r11");
        return result < 0 ? -result : 0;
    }
#endif
    long result = syscall((long)value[0], value[1], value[2], value[3], value[4], value[5], value[6]);
    return result == -1 ? errno : 0;
}

int main(int count, char **arguments) {
    setbuf(stdout, NULL);
    for (int i = 1; i < count; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(call(arguments[i]));
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 2;
        if (WIFSIGNALED(status))
            printf("sig%d\n", WTERMSIG(status));
        else
            printf("%d\n", WEXITSTATUS(status));
    }
    return 0;
}
