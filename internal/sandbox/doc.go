// Package sandbox takes from the running process, for good and in all of its
// threads, what an air-gapped program has no use for: sockets other than Unix
// sockets, starting programs, reading other processes, changing the kernel,
// and every file outside a few named folders.
//
// Two parts of the Linux kernel enforce it. Landlock restricts the file system,
// but a single thread only, so the program restricts one thread and runs itself
// again from it. Seccomp restricts system calls in all threads at once. What a
// kernel lacks is reported, not refused. Neither can restrict which Unix socket
// a path leads to.
//
// It imports nothing of the project.
package sandbox

import "strings"

// Paths are the files and folders that stay open, folders with everything
// below them. Enter adds the program's own: its file and libraries, /dev/tty,
// /proc/self, the time zones.
type Paths struct {
	Read  []string `json:"read"`
	Write []string `json:"write"` // also read
}

// Report says in one clause each what the kernel denies from now on, and what
// it cannot deny.
type Report struct {
	Denied []string `json:"denied"`
	Open   []string `json:"open"`
}

// newReport words what a kernel enforces: landlock is the version of its
// Landlock, 0 where that is not in force; filter says that seccomp is.
func newReport(landlock int, filter bool, p Paths) Report {
	r := Report{Open: []string{"Unix sockets of other programs, wherever file permissions allow"}}
	add := func(denied bool, text, without string) {
		switch {
		case denied:
			r.Denied = append(r.Denied, text)
		case without != "":
			r.Open = append(r.Open, text+": "+without)
		}
	}
	add(filter, "sockets other than Unix sockets, io_uring", "this kernel or processor has no seccomp filter")
	add(filter, "starting programs, reading other processes, changing the kernel", "this kernel or processor has no seccomp filter")
	add(landlock > 0, "files outside "+strings.Join(append(p.Write[:len(p.Write):len(p.Write)], p.Read...), ", ")+" and the program's own", "this kernel has no Landlock of version 2 or later (Linux 5.19)")
	if landlock > 0 {
		add(landlock >= 3, "truncating files elsewhere", "this kernel's Landlock is older than version 3 (Linux 6.2)")
		add(landlock >= 5, "commands to devices", "this kernel's Landlock is older than version 5 (Linux 6.10)")
		add(landlock >= 6, "abstract Unix sockets, signals to other processes", "this kernel's Landlock is older than version 6 (Linux 6.12)")
	}
	return r
}
