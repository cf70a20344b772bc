package virtual

import (
	"encoding/binary"
	"unicode/utf16"
)

// A YubiKey 5 whose other interfaces are switched off: one CCID interface with
// bulk out, bulk in and interrupt in, at full speed.
const (
	usbVendor  = 0x1050
	usbProduct = 0x0404 // CCID alone
	usbVersion = 0x0574

	endpointOut       = 0x02
	endpointIn        = 0x82
	endpointInterrupt = 0x83
	bulkPacket        = 64
	classCCID         = 0x0B
)

// Descriptor types and requests (USB 2.0, tables 9-4 and 9-5).
const (
	usbGetStatus     = 0x00
	usbClearFeature  = 0x01
	usbSetFeature    = 0x03
	usbGetDescriptor = 0x06

	usbDevice        = 1
	usbConfiguration = 2
	usbString        = 3
)

func le16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }
func le32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

func deviceDescriptor() []byte {
	d := []byte{18, usbDevice, 0x00, 0x02, 0, 0, 0, bulkPacket}
	d = le16(le16(le16(d, usbVendor), usbProduct), usbVersion)
	return append(d, 1, 2, 0, 1) // manufacturer, product, no serial number, one configuration
}

// configurationDescriptor has the interface, the CCID descriptor and the three
// endpoints. The features are those of a reader that takes whole APDUs, short
// and extended, and sets everything else by itself.
func configurationDescriptor() []byte {
	c := []byte{0x36, 0x21, 0x10, 0x01, 0, 7}
	c = le32(le32(le32(c, 2), 4000), 4000) // T=1, kHz
	c = append(c, 0)
	c = append(le32(le32(c, 307200), 307200), 0)
	c = le32(le32(le32(le32(c, 3062), 0), 0), 0x000400FE)
	c = le32(c, maxCCID)
	c = append(c, 0xFF, 0xFF, 0, 0, 0, 1)
	tail := append([]byte{9, 4, 0, 0, 3, classCCID, 0, 0, 2}, c...)
	tail = append(tail, 7, 5, endpointOut, 2, bulkPacket, 0, 0)
	tail = append(tail, 7, 5, endpointIn, 2, bulkPacket, 0, 0)
	tail = append(tail, 7, 5, endpointInterrupt, 3, 8, 0, 32)
	head := le16([]byte{9, usbConfiguration}, uint16(9+len(tail)))
	return append(append(head, 1, 1, 0, 0x80, 15), tail...)
}

func stringDescriptor(index byte) ([]byte, bool) {
	switch index {
	case 0:
		return []byte{4, usbString, 0x09, 0x04}, true
	case 1, 2:
		text := map[byte]string{1: "Yubico", 2: "YubiKey CCID"}[index]
		d := []byte{0, usbString}
		for _, unit := range utf16.Encode([]rune(text)) {
			d = le16(d, unit)
		}
		d[0] = byte(len(d))
		return d, true
	}
	return nil, false
}

// controlAnswer answers a control transfer, false for a stall: standard
// requests, and the class's own of CCID 5.3.
func controlAnswer(kind, request byte, value uint16) ([]byte, bool) {
	switch {
	case kind&0x60 == 0x20: // class: abort, clock frequencies, data rates
		return nil, request == 0x01
	case request == usbGetDescriptor:
		switch value >> 8 {
		case usbDevice:
			return deviceDescriptor(), true
		case usbConfiguration:
			return configurationDescriptor(), true
		case usbString:
			return stringDescriptor(byte(value))
		}
		return nil, false
	case request == usbGetStatus:
		return []byte{0, 0}, true
	case request == usbClearFeature || request == usbSetFeature:
		return nil, true
	}
	return nil, false
}

// interfaceInfo is usb-redir's list of 32 interfaces: count, numbers, classes,
// subclasses, protocols.
func interfaceInfo() []byte {
	b := make([]byte, 4+4*32)
	b[0], b[4+32] = 1, classCCID
	return b
}

// endpointInfo is usb-redir's list of 32 endpoints, 16 out and 16 in: types,
// intervals, interfaces, packet sizes.
func endpointInfo(sizes bool) []byte {
	const absent = 255
	b := make([]byte, 3*32, 5*32)
	for i := range 32 {
		b[i] = absent
	}
	size := make([]uint16, 32)
	for address, kind := range map[byte]byte{0x00: 0, 0x80: 0, endpointOut: 2, endpointIn: 2, endpointInterrupt: 3} {
		i := address&0x0F | address>>3&0x10
		b[i], size[i] = kind, bulkPacket
	}
	b[32+int(endpointInterrupt&0x0F)+16] = 32
	size[endpointInterrupt&0x0F+16] = 8
	if sizes {
		for _, s := range size {
			b = le16(b, s)
		}
	}
	return b
}

// connectInfo is usb-redir's announcement of the device: speed, classes,
// vendor, product, version.
func connectInfo(version bool) []byte {
	b := le16(le16([]byte{1, 0, 0, 0}, usbVendor), usbProduct)
	if version {
		b = le16(b, usbVersion)
	}
	return b
}
