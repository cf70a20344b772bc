package ceremony

import (
	"bytes"
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/linnemanlabs/trustroot/ceremony/record"
	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki"
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
	if text := strings.Join(h.Findings(), "\n"); strings.Contains(text, "network hardware") || !strings.Contains(text, "a shell was opened") {
		t.Errorf("findings: %s", text)
	}
	h.OutFree = minFree
	c := newWorldPlan(t)
	_, err := h.check(c, time.Now(), false)
	refused(t, err, fault.Usage, "there is network hardware: 8086:100e (no driver); nothing was made")
	if exceptions, err := h.check(c, time.Now(), true); err != nil || len(exceptions) != 1 {
		t.Errorf("with the exception: %v, %v", exceptions, err)
	}
	other := h
	other.Image = nil
	if _, err := other.check(c, time.Now(), false); err != nil || !strings.Contains(strings.Join(other.Findings(), "\n"), "network hardware: 8086:100e (no driver)") {
		t.Errorf("on another system a card without a network is not a finding but an error: %v", err)
	}
	h.NetworkCards = nil
	c.ImageSHA256 = strings.Repeat("ab", 32)
	if _, err := h.check(c, time.Now(), false); err != nil {
		t.Errorf("the pinned image: %v", err)
	}
	c.ImageSHA256 = strings.Repeat("cd", 32)
	_, err = h.check(c, time.Now(), false)
	refused(t, err, fault.Verification, "measured the SHA-256 abab")
	h.Image = nil
	_, err = h.check(c, time.Now(), false)
	refused(t, err, fault.Verification, "does not run the ceremony image")
	h.lookAtKernel(fstest.MapFS{imageFile: {Data: []byte("{")}})
	if len(h.Unknown) == 0 {
		t.Error("a measurement that cannot be read is not a finding")
	}
}

func TestReport_NamesTheImage(t *testing.T) {
	w := newWorld(t)
	o := w.options(w.founding())
	o.Host.Image = &Image{SHA256: strings.Repeat("ab", 32), Bytes: 43000000}
	path, err := Run(context.Background(), o)
	must(t, err)
	v := w.verify(path)
	page := strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(string(v.Record.Files[record.Report]), " ")), " ")
	raw := bytes.Repeat([]byte{0xab}, 32)
	for _, want := range []string{"by its own word " + pki.HexGroups(raw), pki.HexGroups(raw) + " " + pki.Words(raw)} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not have %q", want)
		}
	}
	if !slices.ContainsFunc(v.Claims, func(c Claim) bool {
		return c.People && strings.Contains(c.Text, "the ceremony image with the SHA-256 abab") && strings.Contains(c.By, "the image's own word")
	}) {
		t.Errorf("verify does not say it: %v", v.Claims)
	}
}
