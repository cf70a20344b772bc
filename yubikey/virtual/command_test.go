package virtual

import (
	"bytes"
	"testing"
)

func TestParseCommand_Forms(t *testing.T) {
	data := bytes.Repeat([]byte{0xAB}, 300)
	for name, c := range map[string]struct {
		apdu []byte
		data int
		max  int
	}{
		"no data, no Le":       {[]byte{0, 0xFD, 0, 0}, 0, 256},
		"no data, Le 0":        {[]byte{0, 0xFD, 0, 0, 0}, 0, 256},
		"no data, Le 8":        {[]byte{0, 0xFD, 0, 0, 8}, 0, 8},
		"data, no Le":          {[]byte{0, 0xCB, 0x3F, 0xFF, 2, 1, 2}, 2, 256},
		"data, Le 8":           {[]byte{0, 0xCB, 0x3F, 0xFF, 2, 1, 2, 8}, 2, 8},
		"extended, Le 0":       {[]byte{0, 0xFD, 0, 0, 0, 0, 0}, 0, 65536},
		"extended, Le 512":     {[]byte{0, 0xFD, 0, 0, 0, 2, 0}, 0, 512},
		"extended data":        {append([]byte{0, 0xDB, 0x3F, 0xFF, 0, 1, 44}, data...), 300, 65536},
		"extended data and Le": {append(append([]byte{0, 0xDB, 0x3F, 0xFF, 0, 1, 44}, data...), 0, 9), 300, 9},
	} {
		cmd, sw := parseCommand(c.apdu)
		if sw != swOK || len(cmd.data) != c.data || cmd.max != c.max || cmd.ins != c.apdu[1] {
			t.Errorf("%s: %04x, %d bytes, at most %d", name, uint16(sw), len(cmd.data), cmd.max)
		}
	}
}

func TestParseCommand_WrongLength(t *testing.T) {
	for name, apdu := range map[string][]byte{
		"empty":                   {},
		"three bytes":             {0, 1, 2},
		"less data than Lc":       {0, 0x20, 0, 0x80, 8, 1, 2},
		"more data than Lc":       {0, 0x20, 0, 0x80, 1, 1, 2, 3},
		"extended without length": {0, 0x20, 0, 0x80, 0, 8},
		"extended, short data":    {0, 0x20, 0, 0x80, 0, 0, 8, 1},
	} {
		if _, sw := parseCommand(apdu); sw != swWrongLength {
			t.Errorf("%s: %04x, want 6700", name, uint16(sw))
		}
	}
}

// FuzzParseCommand: a command that is accepted has its header and its data
// where the APDU has them, and asks for 1 to 65536 bytes.
func FuzzParseCommand(f *testing.F) {
	f.Add([]byte{0x00, 0xFD, 0x00, 0x00, 0x00})
	f.Add([]byte{0x00, 0x20, 0x00, 0x80, 0x08, 1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte{0x00, 0xCB, 0x3F, 0xFF, 0x00, 0x00, 0x05, 0x5C, 0x03, 0x5F, 0xC1, 0x02})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, sw := parseCommand(b)
		if sw != swOK {
			if sw != swWrongLength {
				t.Fatalf("%x: %04x", b, uint16(sw))
			}
			return
		}
		if !bytes.Equal(b[:4], []byte{c.cla, c.ins, c.p1, c.p2}) {
			t.Fatalf("%x: other header", b)
		}
		if c.max < 1 || c.max > 65536 {
			t.Fatalf("%x: asks for %d bytes", b, c.max)
		}
		if len(c.data) > 0 && !bytes.Contains(b[5:], c.data) {
			t.Fatalf("%x: data from elsewhere", b)
		}
	})
}
