/* Requests to the kernel without a C library: what these programs take is what the kernel takes. */
#ifndef BENCH_KERNEL_H
#define BENCH_KERNEL_H

#include <asm/unistd.h>
#include <linux/fcntl.h>

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
INLINE long ask(long number, long a, long b, long c, long d, long e) {
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long answer;
    __asm__ volatile("syscall"
                     : "=a"(answer)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return answer;
}
/* The stack at the first instruction: the number of words, the words, a null pointer, the environment. */
#define ENTRY(main)                                                                                                    \
    __asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall " #main "\n\thlt\n")
#elif defined(__aarch64__)
INLINE long ask(long number, long a, long b, long c, long d, long e) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
#define ENTRY(main) __asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl " #main "\n\tbrk 0\n")
#else
#error "only for x86-64 and aarch64"
#endif

#define CALL(name, a, b, c, d, e) ask(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

INLINE __attribute__((noreturn)) void leave(int code) {
    for (;;) CALL(exit_group, code, 0, 0, 0, 0);
}

static inline unsigned long length(const char *text) {
    unsigned long count = 0;
    while (text[count]) count++;
    return count;
}

static inline int same(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

/* Writes a number in decimal and returns where it ends. */
static inline char *number(char *to, unsigned long value) {
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count) *to++ = digits[--count];
    return to;
}

static inline unsigned long parse(const char *text) {
    unsigned long value = 0;
    while (*text) value = value * 10 + (unsigned long)(*text++ - '0');
    return value;
}

/* Says which step met which error number, and ends. */
static inline __attribute__((noreturn)) void fail(const char *step, long answer) {
    char digits[24] = ": error ";
    char *end = number(digits + 8, (unsigned long)-answer);
    *end++ = '\n';
    CALL(write, 2, step, length(step), 0, 0);
    CALL(write, 2, digits, end - digits, 0, 0);
    leave(125);
}

static inline long must(const char *step, long answer) {
    if (answer < 0) fail(step, answer);
    return answer;
}

#endif
