//! The instructions of the bridge, for the processors that it is written for.

#[cfg(not(target_arch = "x86_64"))]
pub(super) use none::{MACHINE, code, data};
#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::{MACHINE, code, data};

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "instructions for the processor have no safe form")]
mod x86_64 {
    use std::ffi::CString;

    /// `EM_X86_64` of `elf.h`.
    pub(in super::super) const MACHINE: u16 = 62;

    // The stack is as the kernel made it: the number of arguments, the arguments, the environment. Behind the program
    // come the number of the descriptor for a refusal and the names, the last one empty.
    std::arch::global_asm!(
        ".pushsection .rodata.minirun_bridge, \"a\", @progbits",
        ".hidden minirun_bridge",
        ".hidden minirun_bridge_end",
        ".globl minirun_bridge",
        "minirun_bridge:",
        // The command does not get the descriptor. A process that has come here by /proc/self/exe has none: it ends.
        "mov edi, dword ptr [rip + minirun_bridge_end]",
        "mov esi, {set_flags}",
        "mov edx, {close_on_exec}",
        "mov eax, {fcntl}",
        "syscall",
        "test eax, eax",
        "js 6f",
        "mov r12d, edi",
        "mov rax, [rsp]",
        "lea r14, [rsp + 8]",
        "lea r15, [rsp + rax * 8 + 16]",
        "lea rbx, [rip + minirun_bridge_end + 4]",
        "xor ebp, ebp", // what was refused
        "xor r13d, r13d", // which one that was
        "xor r9d, r9d",  // which one it is
        "2:",
        "cmp byte ptr [rbx], 0",
        "je 5f",
        "mov rdi, rbx",
        "mov rsi, r14",
        "mov rdx, r15",
        "mov eax, {execve}",
        "syscall",
        "neg eax",
        "test ebp, ebp",
        "jnz 4f",
        "mov r8d, eax",
        "cmp eax, {not_found}",
        "je 3f",
        "cmp eax, {not_directory}",
        "jne 7f",
        // It may be there, and its interpreter is not.
        "3:",
        "mov rdi, rbx",
        "xor esi, esi",
        "mov eax, {access}",
        "syscall",
        "test eax, eax",
        "js 4f",
        "7:",
        "mov ebp, r8d",
        "mov r13d, r9d",
        // The next name.
        "4:",
        "cmp byte ptr [rbx], 0",
        "lea rbx, [rbx + 1]",
        "jne 4b",
        "inc r9d",
        "jmp 2b",
        "5:",
        "shl r13, 32",
        "or r13, rbp",
        "push r13",
        "mov edi, r12d",
        "mov rsi, rsp",
        "mov edx, {length}",
        "mov eax, {write}",
        "syscall",
        "6:",
        "mov edi, {status}",
        "mov eax, {exit_group}",
        "syscall",
        "ud2",
        ".globl minirun_bridge_end",
        "minirun_bridge_end:",
        ".popsection",
        set_flags = const libc::F_SETFD,
        close_on_exec = const libc::FD_CLOEXEC,
        not_found = const libc::ENOENT,
        not_directory = const libc::ENOTDIR,
        length = const super::super::LENGTH,
        status = const super::super::STATUS,
        fcntl = const libc::SYS_fcntl,
        execve = const libc::SYS_execve,
        access = const libc::SYS_access,
        write = const libc::SYS_write,
        exit_group = const libc::SYS_exit_group,
    );

    unsafe extern "C" {
        static minirun_bridge: u8;
        static minirun_bridge_end: u8;
    }

    /// The instructions.
    pub(in super::super) fn code() -> &'static [u8] {
        let (start, end) = (&raw const minirun_bridge, &raw const minirun_bridge_end);
        // SAFETY: both names are in one piece of constant bytes, the first before the second.
        unsafe { std::slice::from_raw_parts(start, end.addr() - start.addr()) }
    }

    /// What lies behind them.
    pub(in super::super) fn data(refusal: i32, candidates: &[CString]) -> Vec<u8> {
        let names = candidates.iter().filter(|name| !name.is_empty()).flat_map(CString::as_bytes_with_nul);
        refusal.to_ne_bytes().into_iter().chain(names.copied()).chain([0]).collect()
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod none {
    use std::ffi::CString;

    pub(in super::super) const MACHINE: u16 = 0;

    /// There is none.
    pub(in super::super) fn code() -> &'static [u8] {
        &[]
    }

    pub(in super::super) fn data(_refusal: i32, _candidates: &[CString]) -> Vec<u8> {
        Vec::new()
    }
}
