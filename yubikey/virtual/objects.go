package virtual

import "bytes"

// Data objects with rules of their own (SP 800-73-4 part 1 table 3). All the
// others are stored as they come.
const (
	objectDiscovery   = 0x7E
	objectBiometric   = 0x7F61
	objectFingerprint = 0x5FC103
	objectFace        = 0x5FC108
	objectPrinted     = 0x5FC109
	objectIris        = 0x5FC121
	objectAttestation = 0x5FFF01
)

// maxObject is the token's limit for one object, in bytes (Yubico, "PIV
// certificates and objects").
const maxObject = 3052

// readable tells whether an object can be read without the PIN.
func readable(id uint32) bool {
	switch id {
	case objectPrinted, objectFingerprint, objectFace, objectIris:
		return false
	}
	return true
}

// getData is GET DATA (SP 800-73-4 part 2 3.1.2): 5C{tag} answered by 53{…};
// the discovery object alone comes in its own tag.
func getData(c *Card, cmd command) ([]byte, status) {
	if cmd.p1 != 0x3F || cmd.p2 != 0xFF {
		return nil, swWrongP1P2
	}
	request, err := parseTLVs(cmd.data)
	if err != nil || len(request) != 1 || request[0].tag != 0x5C {
		return nil, swWrongData
	}
	id, sw := objectID(request[0].value)
	switch {
	case sw != swOK:
		return nil, sw
	case id == objectDiscovery:
		return discoveryObject(), swOK
	case !readable(id) && !c.session.pin:
		return nil, swSecurityStatus
	case id == objectAttestation:
		return wrap(0x53, certificateObject(c.state.attestation.device.Raw)), swOK
	}
	value, ok := c.state.Objects[id]
	if !ok {
		return nil, swNotFound
	}
	return wrap(0x53, value), swOK
}

// putData is PUT DATA (SP 800-73-4 part 2 3.3.1): 5C{tag} 53{…}. An empty
// value deletes. The token's own objects cannot be written.
func putData(c *Card, cmd command) ([]byte, status) {
	if !c.session.management {
		return nil, swSecurityStatus
	}
	if cmd.p1 != 0x3F || cmd.p2 != 0xFF {
		return nil, swWrongP1P2
	}
	request, err := parseTLVs(cmd.data)
	if err != nil || len(request) != 2 || request[0].tag != 0x5C || request[1].tag != 0x53 {
		return nil, swWrongData
	}
	id, sw := objectID(request[0].value)
	value := request[1].value
	switch {
	case sw != swOK:
		return nil, sw
	case id == objectDiscovery || id == objectBiometric || id == objectAttestation:
		return nil, swWrongData
	case len(value) > maxObject:
		return nil, swNoSpace
	case len(value) == 0:
		delete(c.state.Objects, id)
	default:
		c.state.Objects[id] = bytes.Clone(value)
	}
	c.dirty = true
	return nil, swOK
}

// objectID reads the tag of an object: one byte for discovery, two for the
// biometric group, three for the rest.
func objectID(tag []byte) (uint32, status) {
	var id uint32
	for _, b := range tag {
		id = id<<8 | uint32(b)
	}
	switch {
	case len(tag) == 1 && id == objectDiscovery:
	case len(tag) == 2 && id == objectBiometric:
	case len(tag) == 3 && tag[0] == 0x5F:
	default:
		return 0, swWrongData
	}
	return id, swOK
}

// discoveryObject says that the application's PIN, and no other, is in use
// (SP 800-73-4 part 1 3.3.2).
func discoveryObject() []byte {
	return wrap(0x7E, wrap(0x4F, aidPIV), wrap(0x5F2F, []byte{0x40, 0x00}))
}

// certificateObject is an uncompressed certificate in its object (SP 800-73-4
// part 1 table 10).
func certificateObject(der []byte) []byte {
	return append(append(wrap(0x70, der), wrap(0x71, []byte{0x00})...), wrap(0xFE)...)
}
