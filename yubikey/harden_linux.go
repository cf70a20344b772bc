package yubikey

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func harden() []string {
	var left []string
	// MCL_CURRENT beside MCL_FUTURE: without the right to lock it fails here
	// and now, not later in the allocator. MCL_ONFAULT locks what is touched
	// only, so that Go's large reservations cost nothing.
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
		left = append(left, fmt.Sprintf("memory may be swapped out: mlockall: %v (turn swap off, or raise the memlock limit)", err))
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		left = append(left, fmt.Sprintf("core files are possible: setrlimit: %v", err))
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		left = append(left, fmt.Sprintf("processes of the same user may read the memory: prctl: %v", err))
	}
	return left
}
