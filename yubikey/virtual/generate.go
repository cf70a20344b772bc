package virtual

// generate is GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2 3.3.2) with
// Yubico's policies: AC{80 algorithm, AA PIN policy, AB touch policy}. It
// answers 7F49 with the public key.
func generate(c *Card, cmd command) ([]byte, status) {
	if !c.session.management {
		return nil, swSecurityStatus
	}
	if cmd.p1 != 0x00 {
		return nil, swWrongP1P2
	}
	template, err := unwrap(0xAC, cmd.data)
	if err != nil || len(template.get(0x80)) != 1 {
		return nil, swWrongData
	}
	a := algorithm(template.get(0x80)[0])
	p, err := readPolicies(cmd.p2, template)
	if err != nil || !isKeySlot(cmd.p2) || !c.firmware.supports(a) {
		return nil, swWrongData
	}
	private, err := a.generateKey()
	if err != nil {
		return nil, swMemoryFailure
	}
	key, err := newSlotKey(a, generated, p, private)
	if err != nil {
		return nil, swMemoryFailure
	}
	public, err := publicTemplate(publicOf(private))
	if err != nil {
		return nil, swMemoryFailure
	}
	c.state.Keys[cmd.p2] = key
	c.dirty = true
	return wrap(0x7F49, public), swOK
}

// moveKey is Yubico's MOVE KEY of firmware 5.7: P2 is the slot of the key, P1
// the empty slot that it goes to, or FF to delete it. Certificates stay.
func moveKey(c *Card, cmd command) ([]byte, status) {
	if !c.firmware.hasMove() {
		return nil, swUnknownINS
	}
	if !c.session.management {
		return nil, swSecurityStatus
	}
	from, to := cmd.p2, cmd.p1
	remove := to == destinationOfDelete
	if !isKeySlot(from) || (!remove && (!isKeySlot(to) || from == to)) {
		return nil, swWrongP1P2
	}
	key := c.state.Keys[from]
	if key == nil {
		return nil, swReferenceNotFound
	}
	if !remove {
		if c.state.Keys[to] != nil {
			return nil, swWrongData
		}
		c.state.Keys[to] = key
	}
	delete(c.state.Keys, from)
	c.dirty = true
	return nil, swOK
}
