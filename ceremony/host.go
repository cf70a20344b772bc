package ceremony

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/internal/version"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Host is what was found on the ceremony host before the first step.
type Host struct {
	Version      string   `json:"version"`
	BinarySHA256 string   `json:"binary_sha256"` // hex, of the running executable
	Interfaces   []string `json:"interfaces"`    // network interfaces that are up, loopback left out
}

// InspectHost looks at the machine and changes nothing.
func InspectHost() (Host, error) {
	h := Host{Version: version.String(), Interfaces: []string{}}
	digest, err := digestSelf()
	if err != nil {
		return Host{}, err
	}
	h.BinarySHA256 = digest
	interfaces, err := net.Interfaces()
	if err != nil {
		return Host{}, fmt.Errorf("list network interfaces: %w", err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			h.Interfaces = append(h.Interfaces, i.Name)
		}
	}
	return h, nil
}

func digestSelf() (digest string, err error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the running executable: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the running executable: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("read the running executable: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// check holds the host against the plan's ceremony and returns the exceptions
// that the record must name.
func (h Host) check(c plan.Ceremony, now time.Time, allowNetwork bool) ([]string, error) {
	if today := now.UTC().Format(time.DateOnly); today != c.Day {
		return nil, fault.New(fault.Usage, "set this machine's clock, or have the plan's day changed and the request made again",
			fmt.Errorf("this machine's clock says %s, the plan's ceremony is on %s (UTC)", today, c.Day))
	}
	if c.BinarySHA256 != "" && c.BinarySHA256 != h.BinarySHA256 {
		return nil, fault.New(fault.Verification, "bring the binary that the plan names, and check it with sha256sum from second media",
			fmt.Errorf("this binary's SHA-256 is %s, the plan names %s", h.BinarySHA256, c.BinarySHA256))
	}
	if len(h.Interfaces) == 0 {
		return nil, nil
	}
	up := strings.Join(h.Interfaces, ", ")
	if !allowNetwork {
		return nil, fault.New(fault.Usage, "take the network away (ip link set DEV down), or pass --allow-network, which the record will say",
			fmt.Errorf("network interfaces are up: %s", up))
	}
	return []string{"network interfaces were up: " + up}, nil
}
