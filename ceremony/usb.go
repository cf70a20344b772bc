package ceremony

import (
	"slices"
	"strings"
)

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
