//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// denied are the system calls that fail with EPERM from now on.
var denied = []uint32{
	// programs
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	// other processes: their memory and their sockets
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	// calls that pass by this filter
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
	// the kernel, and the file system's shape
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_MOVE_MOUNT,
	unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_BY_HANDLE_AT,
}

// architecture is the one whose call numbers denied names.
var architecture = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]

// x32 marks the numbers of amd64's second set of calls.
const x32 = 0x40000000

// Offsets in struct seccomp_data; both architectures are little-endian.
const (
	atNumber = 0
	atArch   = 4
	atFirst  = 16 // the low half of the first argument
)

// filter is the program that the kernel runs at each system call.
func filter() []unix.SockFilter {
	const kill, eperm, pass = unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM), unix.SECCOMP_RET_ALLOW
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	ret := func(what uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: what}
	}
	// unless skips the next n instructions where the loaded value is not k
	unless := func(test uint16, k uint32, n uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, K: k, Jf: n}
	}
	f := []unix.SockFilter{
		load(atArch), {Code: unix.BPF_JMP | unix.BPF_K | unix.BPF_JEQ, K: architecture, Jt: 1}, ret(kill),
		load(atNumber), unless(unix.BPF_JGE, x32, 1), ret(kill),
	}
	for _, nr := range denied {
		f = append(f, unless(unix.BPF_JEQ, nr, 1), ret(eperm))
	}
	for _, nr := range []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		f = append(f, unless(unix.BPF_JEQ, nr, 4), load(atFirst), unless(unix.BPF_JEQ, unix.AF_UNIX, 1), ret(pass), ret(eperm))
	}
	return append(f, ret(pass))
}

// deny puts the filter on all threads, and tries it. It returns false where
// the kernel has no such filter.
func deny() (bool, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return false, fmt.Errorf("close the network: %w", err)
	}
	f := filter()
	program := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]} //nolint:gosec // a few dozen instructions
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	switch {
	case errno == unix.ENOSYS || errno == unix.EINVAL:
		return false, nil
	case errno != 0:
		return false, fmt.Errorf("close the network: %w", errno)
	case thread != 0:
		return false, fmt.Errorf("close the network: thread %d cannot be filtered", thread)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err == nil {
		return false, errors.Join(errors.New("close the network: the kernel still makes a socket"), unix.Close(fd))
	}
	return true, nil
}
