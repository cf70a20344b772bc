package virtual

import (
	"bytes"
	"testing"
)

func TestWrap_Lengths(t *testing.T) {
	for _, n := range []int{0, 1, 0x7F, 0x80, 0xFF, 0x100, 0xFFFF} {
		value := bytes.Repeat([]byte{0x11}, n)
		for _, tag := range []uint32{0x53, 0x7F49, 0x5F2F} {
			list, err := parseTLVs(wrap(tag, value))
			if err != nil || len(list) != 1 || list[0].tag != tag || !bytes.Equal(list[0].value, value) {
				t.Errorf("tag %x, %d bytes: %v", tag, n, err)
			}
		}
	}
}

func TestParseTLVs_Malformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"no length":               {0x53},
		"no length after tag":     {0x7F, 0x49},
		"half a tag":              {0x7F},
		"value cut":               {0x53, 2, 1},
		"indefinite length":       {0x53, 0x80},
		"length cut":              {0x53, 0x82, 1},
		"length of three bytes":   {0x53, 0x83, 0, 0, 0},
		"tag of four bytes":       {0x5F, 0x81, 0x81, 0x01, 0},
		"rubbish after an object": {0x53, 0, 0x53},
	} {
		if list, err := parseTLVs(b); err == nil {
			t.Errorf("%s: read as %v", name, list)
		}
	}
}

// FuzzParseTLVs: what is read can be written again, and the objects that are
// read from that are the same.
func FuzzParseTLVs(f *testing.F) {
	f.Add([]byte{0x5C, 0x03, 0x5F, 0xC1, 0x02, 0x53, 0x00})
	f.Add([]byte{0x7F, 0x49, 0x81, 0x03, 0x86, 0x01, 0x04})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := parseTLVs(b)
		if err != nil {
			return
		}
		var written []byte
		for _, o := range list {
			written = append(written, wrap(o.tag, o.value)...)
		}
		again, err := parseTLVs(written)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%x: %d objects, then %d: %v", b, len(list), len(again), err)
		}
		for i := range list {
			if list[i].tag != again[i].tag || !bytes.Equal(list[i].value, again[i].value) {
				t.Fatalf("%x: object %d differs", b, i)
			}
		}
	})
}
