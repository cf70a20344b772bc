package ceremony

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/linnemanlabs/trustroot/internal/fault"
	"github.com/linnemanlabs/trustroot/pki/plan"
)

func noOutput(out string) error {
	return fault.New(fault.Usage, "mount the stick, or make the folder, and name it with --out", fmt.Errorf("there is no folder %s", out))
}

// lookAtKernel reads what /proc and /sys under root say. What a kernel does
// not have is not a finding; what cannot be read is one.
func (h *Host) lookAtKernel(root fs.FS) {
	k := &kernel{root: root, unknown: []string{}}
	h.Routes = k.defaultRoutes()
	h.Swap = k.swap()
	h.CorePattern = k.text("proc/sys/kernel/core_pattern")
	h.Entropy, _ = strconv.Atoi(k.text("proc/sys/kernel/random/entropy_avail")) // no number counts as none
	h.Machine = k.machine()
	h.Radios = k.radios()
	h.USB = k.usb()
	h.NetworkCards = k.networkCards()
	h.Image = k.image()
	h.Unknown = k.unknown
}

// kernel reads small files of /proc and /sys.
type kernel struct {
	root    fs.FS
	unknown []string
}

// text is a file's content without white space around it; empty where there is
// none.
func (k *kernel) text(name string) string {
	data, err := fs.ReadFile(k.root, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.unknown = append(k.unknown, fmt.Sprintf("/%s: %v", name, errors.Unwrap(err)))
	}
	return strings.TrimSpace(string(data))
}

func (k *kernel) list(dir string) []string {
	entries, err := fs.ReadDir(k.root, dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.unknown = append(k.unknown, fmt.Sprintf("/%s: %v", dir, errors.Unwrap(err)))
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, path.Join(dir, e.Name()))
	}
	return names
}

// fields are the words of each line of a file, its heading left out.
func (k *kernel) fields(name string, heading int) [][]string {
	var rows [][]string
	for i, line := range strings.Split(k.text(name), "\n") {
		if f := strings.Fields(line); i >= heading && len(f) > 0 {
			rows = append(rows, f)
		}
	}
	return rows
}

// defaultRoutes reads /proc/net/route (destination and mask in hex) and
// /proc/net/ipv6_route (destination, its prefix length, …, the interface
// last). The unreachable routes that the kernel keeps on lo do not count.
func (k *kernel) defaultRoutes() []string {
	routes := []string{}
	for _, f := range k.fields("proc/net/route", 1) {
		if len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" {
			routes = append(routes, f[0])
		}
	}
	for _, f := range k.fields("proc/net/ipv6_route", 0) {
		if len(f) > 9 && strings.Trim(f[0], "0") == "" && f[1] == "00" && f[9] != "lo" {
			routes = append(routes, f[9])
		}
	}
	return routes
}

func (k *kernel) swap() []string {
	rows := k.fields("proc/swaps", 1)
	used := make([]string, 0, len(rows))
	for _, f := range rows {
		used = append(used, f[0])
	}
	return used
}

// machine names what says that this is a virtual machine.
func (k *kernel) machine() string {
	if kind := k.text("sys/hypervisor/type"); kind != "" {
		return kind
	}
	for _, f := range k.fields("proc/cpuinfo", 0) {
		if f[0] == "flags" && slices.Contains(f, "hypervisor") {
			return strings.TrimSpace("a hypervisor, by the processor's flags " + k.text("sys/class/dmi/id/product_name"))
		}
	}
	return ""
}

// radios lists those that neither a switch nor software blocks.
func (k *kernel) radios() []string {
	on := []string{}
	for _, dir := range k.list("sys/class/rfkill") {
		if k.text(dir+"/soft") == "0" && k.text(dir+"/hard") == "0" {
			on = append(on, strings.TrimSpace(k.text(dir+"/type")+" "+k.text(dir+"/name")))
		}
	}
	return on
}

// usbClasses are the interface classes that a ceremony needs (usb.org, defined
// class codes): input, smart card, storage, hub.
var usbClasses = []string{"03", "0b", "08", "09"}

// usb lists the devices that have an interface of another class. A composite
// device is named once, with its odd classes.
func (k *kernel) usb() []string {
	odd := []string{}
	for _, dir := range k.list("sys/bus/usb/devices") {
		base := dir[strings.LastIndex(dir, "/")+1:]
		device, _, isInterface := strings.Cut(base, ":")
		class := k.text(dir + "/bInterfaceClass")
		if !isInterface || class == "" || slices.Contains(usbClasses, class) {
			continue
		}
		at := "sys/bus/usb/devices/" + device
		name := strings.TrimSpace(k.text(at+"/idVendor") + ":" + k.text(at+"/idProduct") + " " + k.text(at+"/product"))
		odd = append(odd, name+" (class "+class+")")
	}
	slices.Sort(odd)
	return slices.Compact(odd)
}

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
