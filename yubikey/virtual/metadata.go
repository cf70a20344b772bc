package virtual

// metadata is Yubico's GET METADATA: of PIN and PUK their default flag and
// counters, of the management key its algorithm, touch policy and default
// flag, of a slot its algorithm, policies, origin and public key.
func metadata(c *Card, cmd command) ([]byte, status) {
	if !c.firmware.hasMetadata() {
		return nil, swUnknownINS
	}
	if cmd.p1 != 0x00 {
		return nil, swWrongP1P2
	}
	switch cmd.p2 {
	case referencePIN:
		return referenceMetadata(&c.state.PIN, defaultPIN[:]), swOK
	case referencePUK:
		return referenceMetadata(&c.state.PUK, defaultPUK[:]), swOK
	case referenceManagement:
		return c.state.Management.metadata(), swOK
	}
	key := c.state.key(cmd.p2)
	if key == nil {
		return nil, swReferenceNotFound
	}
	public, err := publicTemplate(publicOf(key.private))
	if err != nil {
		return nil, swMemoryFailure
	}
	return join(
		wrap(0x01, []byte{byte(key.Algorithm)}),
		wrap(0x02, []byte{byte(key.PIN), byte(key.Touch)}),
		wrap(0x03, []byte{byte(key.Origin)}),
		wrap(0x04, public),
	), swOK
}

func referenceMetadata(r *reference, factory []byte) []byte {
	return join(
		wrap(0x01, []byte{byte(algPIN)}),
		wrap(0x05, []byte{flag(r.is(factory))}),
		wrap(0x06, []byte{byte(r.Tries), byte(r.Left)}),
	)
}

func (k managementKey) metadata() []byte {
	touch := touchNever
	if k.Touch {
		touch = touchAlways
	}
	return join(
		wrap(0x01, []byte{byte(k.Algorithm)}),
		wrap(0x02, []byte{0x00, byte(touch)}),
		wrap(0x05, []byte{flag(k.isDefault())}),
	)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
