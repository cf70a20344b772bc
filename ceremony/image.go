package ceremony

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

// Image is what the ceremony image says of itself. It is its own word: what
// proves it is the digest that was read on another machine before the start.
type Image struct {
	SHA256 string `json:"sha256"` // hex, of the medium it was started from, as long as the image
	Bytes  int64  `json:"bytes"`
	Shell  int    `json:"shell,omitempty"` // how often a shell was opened
}

// Where the image's menu leaves its measurement, and a line for each shell.
const (
	imageFile = "run/room/image.json"
	shellFile = "run/room/shell"
)

// image reads what the ceremony image says; nil on a machine that runs another
// system.
func (k *kernel) image() *Image {
	data, err := fs.ReadFile(k.root, imageFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	i := new(Image)
	if err == nil {
		err = json.Unmarshal(data, i)
	}
	if err != nil {
		k.unknown = append(k.unknown, fmt.Sprintf("/%s: %v", imageFile, err))
	}
	if text := k.text(shellFile); text != "" {
		i.Shell = len(strings.Split(text, "\n"))
	}
	return i
}

// networkCards lists network controllers on PCI (class 02), each with the
// driver that serves it.
func (k *kernel) networkCards() []string {
	var cards []string
	for _, dir := range k.list("sys/bus/pci/devices") {
		if !strings.HasPrefix(k.text(dir+"/class"), "0x02") {
			continue
		}
		driver := "no driver"
		if len(k.list(dir+"/driver")) > 0 {
			driver = "driver loaded"
		}
		cards = append(cards, strings.TrimPrefix(k.text(dir+"/vendor"), "0x")+":"+strings.TrimPrefix(k.text(dir+"/device"), "0x")+" ("+driver+")")
	}
	return cards
}

// checkImage holds the measured medium against the plan's digest.
func (h Host) checkImage(c plan.Ceremony) error {
	if c.ImageSHA256 == "" || h.Image != nil && h.Image.SHA256 == c.ImageSHA256 {
		return nil
	}
	found := "this machine does not run the ceremony image"
	if h.Image != nil {
		found = "the ceremony image measured the SHA-256 " + h.Image.SHA256
	}
	return fault.New(fault.Verification, "start this machine from the image that the plan names, and check it with sha256sum on another machine first",
		fmt.Errorf("%s, the plan names %s; nothing was made", found, c.ImageSHA256))
}
