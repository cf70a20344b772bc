package ceremony

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/internal/fault"
)

func TestHost_Image(t *testing.T) {
	root := fstest.MapFS{
		imageFile:                                {Data: []byte(`{"sha256":"` + strings.Repeat("ab", 32) + `","bytes":43000000}`)},
		shellFile:                                {Data: []byte("2026-11-26T10:00:00Z\n2026-11-26T11:00:00Z\n")},
		"sys/bus/pci/devices/0000:00:02.0/class": {Data: []byte("0x020000\n")},
		"sys/bus/pci/devices/0000:00:02.0/vendor": {Data: []byte("0x8086\n")},
		"sys/bus/pci/devices/0000:00:02.0/device": {Data: []byte("0x100e\n")},
		"sys/bus/pci/devices/0000:00:03.0/class":  {Data: []byte("0x030000\n")},
	}
	h := cleanHost()
	h.lookAtKernel(root)
	if h.Image == nil || h.Image.Shell != 2 || h.Image.Bytes != 43000000 {
		t.Errorf("image %+v", h.Image)
	}
	if !slices.Equal(h.NetworkCards, []string{"8086:100e (no driver)"}) {
		t.Errorf("network cards %q", h.NetworkCards)
	}
	if text := strings.Join(h.Findings(), "\n"); !strings.Contains(text, "network hardware: 8086:100e (no driver)") || !strings.Contains(text, "a shell was opened") {
		t.Errorf("findings: %s", text)
	}
	h.OutFree = minFree
	c := newWorldPlan(t)
	c.ImageSHA256 = strings.Repeat("ab", 32)
	if _, err := h.check(c, time.Now(), false); err != nil {
		t.Errorf("the pinned image: %v", err)
	}
	c.ImageSHA256 = strings.Repeat("cd", 32)
	_, err := h.check(c, time.Now(), false)
	refused(t, err, fault.Verification, "measured the SHA-256 abab")
	h.Image = nil
	_, err = h.check(c, time.Now(), false)
	refused(t, err, fault.Verification, "does not run the ceremony image")
	h.lookAtKernel(fstest.MapFS{imageFile: {Data: []byte("{")}})
	if len(h.Unknown) == 0 {
		t.Error("a measurement that cannot be read is no finding")
	}
}
