"""Which system calls a run may make: everything that is not named here is refused.

Data only. Numbers are those of the kernel's headers: (x86_64, aarch64), None
where an architecture has no such call.
"""

from typing import NamedTuple, TypeAlias

Numbers: TypeAlias = dict[str, tuple[int | None, int | None]]

# Called as they are.
ALLOWED: Numbers = {
    # open files
    "read": (0, 63), "write": (1, 64), "pread64": (17, 67), "pwrite64": (18, 68),
    "readv": (19, 65), "writev": (20, 66), "preadv": (295, 69), "pwritev": (296, 70),
    "preadv2": (327, 286), "pwritev2": (328, 287), "close": (3, 57), "close_range": (436, 436),
    "lseek": (8, 62), "fstat": (5, 80), "fstatfs": (138, 44), "ftruncate": (77, 46),
    "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83), "fadvise64": (221, 223),
    "flock": (73, 32), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "sendfile": (40, 71), "copy_file_range": (326, 285), "pipe": (22, None), "pipe2": (293, 59),
    # paths: which of them, Landlock decides
    "creat": (85, None), "stat": (4, None), "lstat": (6, None), "newfstatat": (262, 79),
    "statx": (332, 291), "statfs": (137, 43), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78),
    "getdents": (78, None), "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49),
    "fchdir": (81, 50), "umask": (95, 166), "rename": (82, None), "renameat": (264, 38),
    "renameat2": (316, 276), "mkdir": (83, None), "mkdirat": (258, 34), "rmdir": (84, None),
    "link": (86, None), "linkat": (265, 37), "unlink": (87, None), "unlinkat": (263, 35),
    "symlink": (88, None), "symlinkat": (266, 36),
    # memory
    "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "madvise": (28, 233), "mincore": (27, 232), "msync": (26, 227), "brk": (12, 214),
    "membarrier": (324, 283),
    # its own signals and timers
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132), "pause": (34, None), "alarm": (37, None), "getitimer": (36, 102),
    "setitimer": (38, 103), "restart_syscall": (219, 128),
    # about itself
    "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getpgrp": (111, None),
    "getpgid": (121, 155), "getsid": (124, 156), "getuid": (102, 174), "geteuid": (107, 175),
    "getgid": (104, 176), "getegid": (108, 177), "getgroups": (115, 158),
    "getresuid": (118, 148), "getresgid": (120, 150), "uname": (63, 160), "sysinfo": (99, 179),
    "times": (100, 153), "getrusage": (98, 165), "getrlimit": (97, 163), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "getcpu": (309, 168), "arch_prctl": (158, None),
    "set_tid_address": (218, 96), "set_robust_list": (273, 99), "rseq": (334, 293),
    "futex": (202, 98), "wait4": (61, 260), "waitid": (247, 95), "exit": (60, 93),
    "exit_group": (231, 94),
    # time and chance
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, None),
    "getrandom": (318, 278),
    # waiting; with the two ends of a socket pair, what an event loop needs
    "select": (23, None), "pselect6": (270, 72), "poll": (7, None), "ppoll": (271, 73),
    "epoll_create": (213, None), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_wait": (232, None), "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441),
    "eventfd": (284, None), "eventfd2": (290, 19), "timerfd_create": (283, 85),
    "timerfd_settime": (286, 86), "timerfd_gettime": (287, 87), "recvfrom": (45, 207),
    "shutdown": (48, 210), "getsockname": (51, 204), "getpeername": (52, 205),
    "getsockopt": (55, 209), "setsockopt": (54, 208),
}  # fmt: skip

# They do nothing and say they did. Landlock does not cover them, so on the files of the libraries
# they would work; and copying a file should not fail because of its mode and times.
IGNORED: Numbers = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip

# As on a kernel that does not have them: who calls these has another way, which is judged then.
ABSENT: Numbers = {"clone3": (435, 435), "openat2": (437, 437)}

# As on a file system without extended attributes.
UNSUPPORTED: Numbers = {
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "getxattr": (191, 8),
    "lgetxattr": (192, 9), "fgetxattr": (193, 10), "listxattr": (194, 11),
    "llistxattr": (195, 12), "flistxattr": (196, 13),
}  # fmt: skip


# Called if every one of their conditions holds, otherwise refused.
GUARDED: Numbers = {
    "open": (2, None), "openat": (257, 56), "mmap": (9, 222), "fcntl": (72, 25), "ioctl": (16, 29),
    "prctl": (157, 167), "prlimit64": (302, 261), "kill": (62, 129), "tkill": (200, 130),
    "tgkill": (234, 131), "socketpair": (53, 199), "sendto": (44, 206),
}  # fmt: skip


class Condition(NamedTuple):
    """Half-word `word` of the arguments (two for each, the low one first), under `mask`."""

    word: int
    mask: int
    values: tuple[int, ...]


_ALL = 0xFFFFFFFF
# Files that cannot be written cannot be truncated: older kernels let a reader do that.
_OPEN = (0o0, 0o1, 0o2, 0o3, 0o1001, 0o1002, 0o1003)  # access mode and O_TRUNC
# Memory that is shared without a file, or grows as a stack does, is not counted as data.
_MMAP = (0x0, 0x1, 0x20)  # MAP_SHARED, MAP_ANONYMOUS, MAP_GROWSDOWN: none, or one of the first two
# Copies, flags, locks, the size of a pipe; none that sends signals to a process of one's choice.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# Is it a terminal and how wide, what waits in it, blocking, closed on exec.
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
_NAME = (15, 16)  # prctl: the name of the thread


def conditions(pid: int) -> dict[str, tuple[Condition, ...]]:
    """Of the guarded calls, by name. `pid` is the run's own."""
    itself = (Condition(0, _ALL, (pid,)),)
    return {
        "open": (Condition(2, 0o1003, _OPEN),),
        "openat": (Condition(4, 0o1003, _OPEN),),
        "mmap": (Condition(6, 0x121, _MMAP),),
        "fcntl": (Condition(2, _ALL, _FCNTL),),
        "ioctl": (Condition(2, _ALL, _IOCTL),),
        "prctl": (Condition(0, _ALL, _NAME),),
        "prlimit64": (Condition(0, _ALL, (0, pid)),),
        "kill": itself,
        "tkill": itself,
        "tgkill": itself,
        # A pair of streams: datagrams could be sent to any socket that has a path.
        "socketpair": (Condition(0, _ALL, (1,)), Condition(2, 0xF, (1,))),
        "sendto": (Condition(8, _ALL, (0,)), Condition(9, _ALL, (0,))),  # no address
    }
