//go:build linux && (amd64 || arm64)

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// minLandlock is the first version that lets a file be renamed into another
// folder, which an atomic write needs.
const minLandlock = 2

// Access rights (landlock(7)).
const (
	readRights  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeRights = readRights | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REFER
	fileRights = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	runRights      = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	terminalRights = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// own are the program's own files, by path; one that is missing is left out.
var own = map[string]uint64{
	"/proc/self/exe":                      runRights,
	"/lib64/ld-linux-x86-64.so.2":         runRights, // the loader runs this program again
	"/lib/ld-linux-aarch64.so.1":          runRights,
	"/lib/ld-musl-x86_64.so.1":            runRights,
	"/lib/ld-musl-aarch64.so.1":           runRights,
	"/lib":                                readRights, // the PC/SC library and the C library
	"/lib64":                              readRights,
	"/usr/lib":                            readRights,
	"/usr/lib64":                          readRights,
	"/usr/local/lib":                      readRights,
	"/etc/ld.so.cache":                    readRights,
	"/etc/localtime":                      readRights,
	"/usr/share/zoneinfo":                 readRights,
	"/run/pcscd":                          readRights,
	"/proc/self":                          readRights,
	"/dev/tty":                            terminalRights,
	"/dev/null":                           terminalRights,
	"/dev/urandom":                        readRights,
	"/sys/kernel/mm/transparent_hugepage": readRights, // Go's runtime at its start
}

// handled are the rights that a version of Landlock takes away where no rule
// gives them.
func handled(version int) unix.LandlockRulesetAttr {
	a := unix.LandlockRulesetAttr{Access_fs: 1<<13 - 1}
	for v, right := range map[int]uint64{2: unix.LANDLOCK_ACCESS_FS_REFER, 3: unix.LANDLOCK_ACCESS_FS_TRUNCATE, 5: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV} {
		if version >= v {
			a.Access_fs |= right
		}
	}
	if version >= 4 {
		a.Access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		a.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	return a
}

// landlockVersion is the kernel's, 0 where it has none or it is switched off.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// restrict confines the calling thread, and what it runs, to the paths and the
// program's own files.
func restrict(version int, p Paths) error {
	attr := handled(version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return fmt.Errorf("close the file system: make Landlock's rules: %w", errno)
	}
	rules := int(fd)
	for path, rights := range own {
		if err := allow(rules, path, rights&attr.Access_fs); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	var errs []error
	for _, path := range p.Read {
		errs = append(errs, allow(rules, anchor(path), readRights))
	}
	for _, path := range p.Write {
		errs = append(errs, allow(rules, anchor(path), writeRights&attr.Access_fs))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("close the file system: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("close the file system: %w", errno)
	}
	return nil
}

// allow gives rights to a file, or to a folder and all below it.
func allow(rules int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return &fs.PathError{Op: "keep open", Path: path, Err: err}
	}
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return &fs.PathError{Op: "keep open", Path: path, Err: err}
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	if path == "/proc/self" {
		// a rule is bound to an inode, and procfs makes another one for an
		// entry that nothing has open: this stays open in the next run
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return &fs.PathError{Op: "keep open", Path: path, Err: err}
		}
	} else {
		defer unix.Close(fd) //nolint:errcheck // a path, not a file
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)} //nolint:gosec // a file descriptor
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 {
		return &fs.PathError{Op: "keep open", Path: path, Err: errno}
	}
	return nil
}

// sticks are the folders under which removable media are mounted.
var sticks = []string{"/media", "/run/media", "/mnt"}

// anchor is the folder that a rule for path is bound to: path itself, or the
// parent of a stick's mount point. A rule is bound to an inode; that of a stick
// goes when it is pulled, and the parent's stays.
func anchor(path string) string {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	resolved, err = filepath.Abs(resolved)
	if err != nil || !slices.ContainsFunc(sticks, func(s string) bool { return strings.HasPrefix(resolved, s+"/") }) {
		return path
	}
	for dir := resolved; ; dir = filepath.Dir(dir) {
		parent := filepath.Dir(dir)
		if parent == "/" {
			return path
		}
		if device(dir) != device(parent) {
			return parent
		}
	}
}

// device is the file system that holds a path, 0 where it cannot be told.
func device(path string) uint64 {
	var info unix.Stat_t
	if unix.Stat(path, &info) != nil {
		return 0
	}
	return info.Dev
}
