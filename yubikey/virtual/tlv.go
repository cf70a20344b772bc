package virtual

import "errors"

var errTLV = errors.New("malformed TLV")

// tlv is one BER-TLV data object (ISO/IEC 7816-4 5.2.2): a tag of up to three
// bytes and a definite length of up to 65535.
type tlv struct {
	tag   uint32
	value []byte
}

type tlvs []tlv

// parseTLVs splits b into the objects that follow one another in it. Values
// alias b. It fails with errTLV when b is not exactly such a sequence.
func parseTLVs(b []byte) (tlvs, error) {
	var list tlvs
	for len(b) > 0 {
		tag, rest, err := readTag(b)
		if err != nil {
			return nil, err
		}
		n, rest, err := readLength(rest)
		if err != nil {
			return nil, err
		}
		list = append(list, tlv{tag: tag, value: rest[:n:n]})
		b = rest[n:]
	}
	return list, nil
}

func readTag(b []byte) (uint32, []byte, error) {
	tag := uint32(b[0])
	rest := b[1:]
	if tag&0x1f != 0x1f {
		return tag, rest, nil
	}
	for i := 0; i < 2 && len(rest) > 0; i++ {
		next := rest[0]
		tag, rest = tag<<8|uint32(next), rest[1:]
		if next&0x80 == 0 {
			return tag, rest, nil
		}
	}
	return 0, nil, errTLV
}

func readLength(b []byte) (int, []byte, error) {
	if len(b) == 0 {
		return 0, nil, errTLV
	}
	n, b := int(b[0]), b[1:]
	if n >= 0x80 {
		size := n & 0x7f
		if size < 1 || size > 2 || len(b) < size {
			return 0, nil, errTLV
		}
		n = 0
		for _, c := range b[:size] {
			n = n<<8 | int(c)
		}
		b = b[size:]
	}
	if n > len(b) {
		return 0, nil, errTLV
	}
	return n, b, nil
}

// get returns the value of the first object with the tag: empty but not nil
// when it is there without content, nil when it is missing.
func (l tlvs) get(tag uint32) []byte {
	for _, o := range l {
		if o.tag == tag {
			return o.value
		}
	}
	return nil
}

// unwrap returns the objects inside the single object of the given tag that
// makes up b.
func unwrap(tag uint32, b []byte) (tlvs, error) {
	outer, err := parseTLVs(b)
	if err != nil {
		return nil, err
	}
	if len(outer) != 1 || outer[0].tag != tag {
		return nil, errTLV
	}
	return parseTLVs(outer[0].value)
}

// wrap encodes one object whose value is the concatenation of the parts, of at
// most 65535 bytes.
func wrap(tag uint32, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	var out []byte
	for shift := 16; shift >= 0; shift -= 8 {
		if b := byte(tag >> shift); b != 0 || len(out) > 0 || shift == 0 {
			out = append(out, b)
		}
	}
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	default:
		out = append(out, 0x82, byte(n>>8), byte(n))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
