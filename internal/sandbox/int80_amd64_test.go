//go:build linux

package sandbox

import (
	"golang.org/x/sys/unix"

	"github.com/linnemanlabs/trustroot/internal/sandbox/testdata/int80"
)

// fatal are the calls that end the process.
var fatal = map[string]func(){
	"386": func() { int80.Getpid() },
	"x32": func() { _, _, _ = unix.Syscall(unix.SYS_GETPID|x32, 0, 0, 0) },
}
