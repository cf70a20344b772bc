package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/version"
)

// InspectHost looks at the machine and at the folder that the record goes to,
// and changes nothing. unprotected is what yubikey.Harden could not do.
func InspectHost(out string, unprotected []string) (Host, error) {
	h := Host{Version: version.String(), Unprotected: append([]string{}, unprotected...)}
	var err error
	if h.BinarySHA256, err = digestSelf(); err != nil {
		return Host{}, err
	}
	if err := h.lookAtOutput(out); err != nil {
		return Host{}, err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		return Host{}, fmt.Errorf("read the limit of core files: %w", err)
	}
	h.CoreLimit = limit.Cur
	h.lookAtKernel(os.DirFS("/"))
	h.Interfaces, err = interfaces(h.Image != nil)
	return h, err
}

func digestSelf() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the running executable: %w", err)
	}
	sum, err := digest.File(path)
	if err != nil {
		return "", fmt.Errorf("read the running executable: %w", err)
	}
	return sum, nil
}

// interfaces lists network interfaces but loopback: those that are up, or all
// in the ceremony image, which has no driver for any.
func interfaces(all bool) ([]string, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	up := []string{}
	for _, i := range found {
		if (all || i.Flags&net.FlagUp != 0) && i.Flags&net.FlagLoopback == 0 {
			up = append(up, i.Name)
		}
	}
	return up, nil
}

// lookAtOutput reads permissions and free space of the folder that is to hold
// the record.
func (h *Host) lookAtOutput(out string) error {
	info, err := os.Stat(out)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return noOutput(out)
	}
	if err != nil {
		return fmt.Errorf("look at the output folder: %w", err)
	}
	h.OutMode = "-" + info.Mode().Perm().String()[1:]
	var space syscall.Statfs_t
	if err := syscall.Statfs(out, &space); err != nil {
		return fmt.Errorf("look at the output folder: %w", err)
	}
	h.OutFree = space.Bavail * uint64(space.Bsize) //nolint:gosec // a block has a positive size
	return nil
}
