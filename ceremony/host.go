package ceremony

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/linnemanlabs/trustroot/internal/digest"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/version"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// minFree is the space that a record must find, many times what it needs.
const minFree = 64 << 20

// Host is what was found on the ceremony host before the first step. The
// journal keeps it whole.
type Host struct {
	Version      string   `json:"version"`
	BinarySHA256 string   `json:"binary_sha256"`           // hex, of the running executable
	Interfaces   []string `json:"interfaces"`              // network interfaces that are up, loopback left out
	Routes       []string `json:"default_routes"`          // interfaces with a default route
	Swap         []string `json:"swap"`                    // swap devices and files in use
	CoreLimit    uint64   `json:"core_limit"`              // bytes of a core file that this process may leave
	CorePattern  string   `json:"core_pattern"`            // where the kernel puts core files
	Unprotected  []string `json:"unprotected"`             // what memory protection was not to be had
	OutMode      string   `json:"out_mode"`                // permissions of the output folder
	OutFree      uint64   `json:"out_free"`                // bytes free there
	Entropy      int      `json:"entropy"`                 // bits, by the kernel's estimate
	Machine      string   `json:"virtual_machine"`         // what says that this is a virtual machine; empty: nothing does
	Radios       []string `json:"radios"`                  // radios that are not blocked
	USB          []string `json:"usb"`                     // devices other than storage, keyboards, hubs and tokens
	NetworkCards []string `json:"network_cards,omitempty"` // network hardware on PCI, with its driver or "no driver"
	Image        *Image   `json:"image,omitempty"`         // the ceremony image, when the machine runs one
	Unknown      []string `json:"unknown"`                 // what could not be looked at
	Denied       []string `json:"denied,omitempty"`        // what the kernel denies this program from here on
	Open         []string `json:"open,omitempty"`          // what it does not deny
}

// Findings are what an air-gapped machine should not have, one sentence each;
// a network is an exception and not among them, see network.
func (h Host) Findings() []string {
	var out []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(len(h.Swap) > 0, "swap is in use, so memory may be written to disk: %s (swapoff -a)", strings.Join(h.Swap, ", "))
	add(h.CoreLimit > 0, "core files are allowed (ulimit -c 0)")
	add(worldReadable(h.OutMode), "the output folder is readable for everyone (%s)", h.OutMode)
	add(h.Entropy < 128, "the kernel estimates %d bits of entropy", h.Entropy)
	add(h.Machine != "", "this is a virtual machine, whose host sees everything: %s", h.Machine)
	add(len(h.Radios) > 0, "radios are on: %s (rfkill block all)", strings.Join(h.Radios, ", "))
	add(h.Image == nil && len(h.NetworkCards) > 0, "network hardware: %s", strings.Join(h.NetworkCards, ", "))
	add(h.Image != nil && h.Image.Shell > 0, "a shell was opened in the ceremony image")
	add(len(h.USB) > 0, "USB devices other than storage, keyboards, hubs and tokens: %s", strings.Join(h.USB, ", "))
	for _, u := range h.Unprotected {
		out = append(out, "secrets are less protected here: "+u)
	}
	for _, u := range h.Unknown {
		out = append(out, "could not be looked at: "+u)
	}
	return out
}

func worldReadable(mode string) bool { return len(mode) == 10 && mode[7] == 'r' }

// check holds the host against the plan's ceremony and returns the exceptions
// that the record must name. The clock's day comes first: nothing else is
// worth a look on the wrong one.
func (h Host) check(c plan.Ceremony, now time.Time, allowNetwork bool) ([]string, error) {
	if today := now.UTC().Format(time.DateOnly); today != c.Day {
		return nil, fault.New(fault.Usage, "set this machine's clock, or have the plan's day changed and the request made again",
			fmt.Errorf("this machine's clock says %s, the plan's ceremony is on %s (UTC); nothing was made", today, c.Day))
	}
	if c.BinarySHA256 != "" && c.BinarySHA256 != h.BinarySHA256 {
		return nil, fault.New(fault.Verification, "bring the binary that the plan names, and check it with sha256sum from second media",
			fmt.Errorf("this binary's SHA-256 is %s, the plan names %s; nothing was made", h.BinarySHA256, c.BinarySHA256))
	}
	if err := h.checkImage(c); err != nil {
		return nil, err
	}
	if h.OutFree < minFree {
		return nil, fault.New(fault.Usage, "free space there, or name another folder with --out",
			fmt.Errorf("the output folder has %d MiB free, %d are wanted; nothing was made", h.OutFree>>20, minFree>>20))
	}
	network := h.network()
	if network == "" {
		return nil, nil
	}
	if !allowNetwork {
		return nil, fault.New(fault.Usage, "take the network away (switch the card off in the firmware or take it out; ip link set DEV down), or pass --allow-network, which the record will say",
			errors.New(network+"; nothing was made"))
	}
	return []string{network}, nil
}

// network says what there is of one, and nothing where there is none. In the
// ceremony image a card counts even without a driver, and the image has none:
// the machine of the day has no card.
func (h Host) network() string {
	var parts []string
	if len(h.Interfaces) > 0 {
		parts = append(parts, "network interfaces are up: "+strings.Join(h.Interfaces, ", "))
	}
	if len(h.Routes) > 0 {
		routes := slices.Compact(slices.Sorted(slices.Values(h.Routes)))
		parts = append(parts, "there is a default route: "+strings.Join(routes, ", "))
	}
	if h.Image != nil && len(h.NetworkCards) > 0 {
		parts = append(parts, "there is network hardware: "+strings.Join(h.NetworkCards, ", "))
	}
	return strings.Join(parts, "; ")
}

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
